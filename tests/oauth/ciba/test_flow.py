"""An app asks, the user answers elsewhere, and the app gets tokens once (OpenID Connect CIBA sections 7 to 11)."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.oauth.ciba import notifications
from provider.oauth.clients import clients
from provider.oauth.grants.store.backchannel_requests import backchannel_requests
from provider.outbox import store as outbox
from provider.outbox.relay import Handler
from provider.outbox.store import DeliveryState
from provider.outbox.topics import Topic
from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.approvals import ADA, FOR_CIBA, answer, ask, press, refusal, waiting
from tests.oauth.conftest import Explain, Person, Register, Unchanged
from tests.oauth.grants.test_authorization_code import ENDINGS, assert_invalid_grant
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.dpop import Prover
from tests.support.factories import make_user
from tests.support.foreign_server import ForeignServer
from tests.support.foreign_server import answer as answering
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.limits import Lower
from tests.support.relying_party import TWO_FACTORS, RelyingParty

API = "https://api.example.test/pay"
PINGS: Mapping[str, Handler] = {Topic.BACKCHANNEL_PING: notifications.deliver, Topic.MAIL: lambda *_: None}
"""The handlers of the outbox: emails go nowhere."""


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def bank(register: Register) -> RelyingParty:
    return register(client_name="Bank", **FOR_CIBA)


@pytest.mark.also_on_postgresql
def test_an_app_gets_tokens_after_the_user_approved(
    bank: RelyingParty, browser: WatchedClient, ada: str, inbox: Inbox, work: Work
) -> None:
    """Sections 7.3, 10.1.1. Section 10.3.1: the claim auth_req_id is for the mode push only."""
    asked = ask(bank, scope="openid email offline_access", binding_message="W4-SCT <b>")
    assert asked.body == {"auth_req_id": asked.auth_req_id, "expires_in": 600, "interval": 5}
    assert re.fullmatch(r"[A-Za-z0-9._-]{43}", asked.auth_req_id)
    pending = asked.poll()
    assert (pending.status, pending.error) == (400, "authorization_pending")
    assert "error_id" not in pending.body
    letter = inbox.latest(ADA)
    [url] = waiting(browser)
    assert letter.link == ISSUER + url
    assert "Bank" in letter.subject
    assert "W4-SCT" not in letter.text, "what an app writes goes to no mailbox"
    page = browser.get(url).text
    assert "W4-SCT &lt;b&gt;" in page
    assert all(word in page for word in ("Bank", "testclient", "email address", ADA))
    answer(browser, url=url)
    assert waiting(browser) == []
    tokens = asked.poll()
    assert (tokens.status, tokens.body["scope"]) == (200, "openid email offline_access")
    claims = bank.verify(tokens)
    assert (claims["sub"], claims["acr"]) == (ada, "aal1")
    assert not [name for name in claims if "auth_req_id" in name or name == "nonce"]
    assert bank.userinfo(tokens).json()["email"] == ADA
    assert bank.refresh(tokens).status == 200
    with work() as w:
        names = [event.name for event in find_events(w.read, user_id=ada)]
        row = repr(w.read.execute(select(backchannel_requests)).one())
    assert {Event.APPROVAL_REQUESTED, Event.APPROVAL_GIVEN} <= set(names)
    assert asked.auth_req_id not in row


def test_a_hint_may_be_an_id_token_of_the_app(bank: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """Section 7.1: id_token_hint."""
    first = ask(bank)
    answer(browser)
    again = ask(bank, login_hint=None, id_token_hint=first.poll().id_token)
    answer(browser)
    assert bank.verify(again.poll())["sub"] == ada


def test_a_denied_request_is_access_denied(bank: RelyingParty, browser: WatchedClient, explain: Explain) -> None:
    """Section 11."""
    asked = ask(bank)
    answer(browser, "deny")
    for _ in range(2):
        refused = asked.poll()
        assert (refused.status, refused.error) == (400, "access_denied")
    assert "CIBA section 11" in str(explain(refused.error_id))


@pytest.mark.also_on_postgresql
@pytest.mark.usefixtures("ada")
def test_polling_too_fast_is_slowed_down_and_sends_no_email(bank: RelyingParty, clock: Clock, inbox: Inbox) -> None:
    """Section 11: five seconds more, for this and all later requests."""
    asked, seen = ask(bank), []
    for seconds in (0, 5, 3, 10, 5, 20):
        clock.advance(seconds=seconds)
        seen.append(asked.poll().error)
    pending, slow = "authorization_pending", "slow_down"
    assert seen == [pending, pending, slow, pending, slow, pending]
    assert len(inbox.letters(ADA)) == 1


@pytest.mark.also_on_postgresql
def test_requests_expire_as_soon_as_the_app_wants(
    bank: RelyingParty, browser: WatchedClient, clock: Clock, installation: Installation, unchanged: Unchanged
) -> None:
    """Sections 7.1 (requested_expiry), 11 (expired_token); an approval does not prolong it."""
    short, longest = ask(bank, requested_expiry="30"), ask(bank, requested_expiry="86400")
    assert (short.body["expires_in"], longest.body["expires_in"]) == (30, 600)
    url = waiting(browser)[-1]
    clock.advance(seconds=31)
    with unchanged():
        assert short.poll().error == "expired_token"
    assert press(browser, url, "allow").status_code == 404
    answer(browser)
    clock.advance(minutes=10)
    assert longest.poll().error == "expired_token"
    assert waiting(browser) == []
    clock.advance(hours=25)
    assert purge(installation)["backchannel requests"] == 2


@pytest.mark.also_on_postgresql
def test_a_second_use_revokes_the_tokens_of_the_first(
    bank: RelyingParty, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """N-215: RFC 9700 section 4.5, as for codes."""
    asked = ask(bank, scope="openid offline_access")
    answer(browser)
    tokens = asked.poll()
    assert_invalid_grant(asked.poll())
    assert_invalid_grant(bank.refresh(tokens))
    with unchanged():
        assert_invalid_grant(asked.poll())


def test_another_client_cannot_use_the_auth_req_id_nor_use_it_up(
    bank: RelyingParty, register: Register, browser: WatchedClient, unchanged: Unchanged
) -> None:
    """N-216: section 11."""
    asked, other = ask(bank), register(**FOR_CIBA)
    answer(browser)
    with unchanged():
        assert_invalid_grant(asked.poll(by=other))
        assert_invalid_grant(asked.poll(auth_req_id="x" * 43))
    assert asked.poll(auth_req_id=None).error == "invalid_request"
    assert asked.poll().status == 200


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_approval_is_invalid_after_its_grant_ended(
    bank: RelyingParty, browser: WatchedClient, ada: str, work: Work, clock: Clock, ending: str
) -> None:
    """N-217: A-84, A-105, A-106: suspended, password reset, signed out, access removed before the app fetched it."""
    asked = ask(bank)
    answer(browser)
    clock.advance(seconds=1)
    ENDINGS[ending](work, ada, bank)
    clock.advance(seconds=1)
    assert_invalid_grant(asked.poll())


def test_a_client_that_was_disabled_gets_nothing_and_its_requests_are_not_shown(
    bank: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """N-218: A-26."""
    asked = ask(bank)
    [url] = waiting(browser)
    with work() as w:
        clients.disable(w, bank.client_id)
    assert waiting(browser) == []
    assert press(browser, url, "allow").status_code == 404
    assert (asked.poll().error, refusal(bank)) == ("invalid_client", (401, "invalid_client"))


def test_only_the_user_who_is_asked_can_answer(
    bank: RelyingParty, browser: WatchedClient, person: Person, work: Work, unchanged: Unchanged
) -> None:
    """N-219: section 8. A link that someone else opens shows nothing, also not that there is a request."""
    asked = ask(bank)
    [url] = waiting(browser)
    with work() as w:
        other = make_user(w, "grace@example.test")
    grace, nobody, unknown = person(other), person(), "/approve?request=00000000-0000-0000-0000-000000000000"
    with unchanged():
        pages = [grace.get(page) for page in (url, unknown, "/approve?request=x")]
        assert {page.status_code for page in pages} == {404}
        assert press(grace, url, "allow").status_code == 404
    assert nobody.get(url).headers["location"].startswith("/login?return_to=")
    assert asked.poll().error == "authorization_pending"


@pytest.mark.also_on_postgresql
def test_a_request_is_answered_once(bank: RelyingParty, browser: WatchedClient) -> None:
    """N-220: the first answer counts."""
    for first, second, outcome in (("allow", "deny", None), ("deny", "allow", "access_denied")):
        asked = ask(bank)
        [url] = waiting(browser)
        answer(browser, first, url)
        assert press(browser, url, second).status_code == 404
        assert asked.poll().error == outcome


def test_the_user_signs_in_with_the_requested_acr(
    bank: RelyingParty, person: Person, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 7.1: acr_values, voluntary: another factor is asked for if the user has one."""
    asked = ask(bank, acr_values="aal2 unheard-of")
    weak, strong = person(ada), person(ada, amr=TWO_FACTORS)
    [url] = waiting(weak)
    assert weak.get(url).status_code == 200, "no second factor is set up"
    monkeypatch.setattr("provider.accounts.factors.second_factor.reachable_level", lambda *_: "aal2")
    assert weak.get(url).headers["location"].startswith("/login/second-factor?")
    assert press(weak, url, "allow").headers["location"].startswith("/login/second-factor?")
    answer(strong, url=url)
    assert bank.verify(asked.poll())["acr"] == "aal2"


def test_tokens_are_for_the_apis_that_were_approved(
    bank: RelyingParty, register: Register, browser: WatchedClient
) -> None:
    """RFC 8707 section 2: resource at both endpoints."""
    register(grant_types=(), redirect_uris=(), client_name="Payments", resource_identifiers=(API,))
    asked = ask(bank, resource=API)
    assert "Payments" in browser.get(waiting(browser)[0]).text
    answer(browser)
    assert asked.poll(resource="https://other.example.test/").error == "invalid_target"
    assert bank.refresh(asked.poll(resource=API)).status == 200
    assert refusal(bank, resource="https://other.example.test/") == (400, "invalid_target")


def test_tokens_are_bound_to_the_key_of_the_proof(register: Register, browser: WatchedClient) -> None:
    """RFC 9449 section 5."""
    bank = register(dpop_bound_access_tokens=True, **FOR_CIBA)
    asked = ask(bank)
    answer(browser)
    assert asked.poll().error == "invalid_dpop_proof"
    bank.prover = Prover()
    tokens = asked.poll()
    assert tokens.body["token_type"] == "DPoP"
    assert bank.userinfo(tokens).status_code == 200


@pytest.mark.also_on_postgresql
def test_a_client_in_the_mode_ping_is_notified_of_each_answer(
    register: Register,
    browser: WatchedClient,
    foreign_server: ForeignServer,
    installation: Installation,
    work: Work,
) -> None:
    """Section 10.2: a bearer token and the auth_req_id, after both answers; the client may poll as well."""
    url = foreign_server.url("/cb")
    members = {"backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": url}
    bank = register(**FOR_CIBA | members)
    assert refusal(bank) == (400, "invalid_request")
    foreign_server.behaviour = answering(status="204 No Content")
    for decision, outcome in (("allow", None), ("deny", "access_denied")):
        asked = ask(bank, client_notification_token="8d67dc78-7faa-4d41-aabd-67707b374255")
        assert asked.poll().error == "authorization_pending"
        with work() as w:
            row = repr(w.read.execute(select(backchannel_requests)).all())
        assert asked.auth_req_id not in row
        answer(browser, decision)
        deliver_due(installation, PINGS)
        got = foreign_server.requests[-1]
        assert (got.method, got.target, got.body) == (
            "POST",
            "/cb",
            f'{{"auth_req_id": "{asked.auth_req_id}"}}'.encode(),
        )
        assert got.headers["authorization"] == "Bearer 8d67dc78-7faa-4d41-aabd-67707b374255"
        assert got.headers["content-type"] == "application/json"
        assert asked.poll().error == outcome
    assert len(foreign_server.requests) == 2


def test_a_ping_is_retried_after_an_outage_only(
    register: Register,
    browser: WatchedClient,
    foreign_server: ForeignServer,
    installation: Installation,
    work: Work,
    clock: Clock,
) -> None:
    """N-221: a redirect is not followed, a refusal is final (fapi-ciba-id1 ...-response-401...-does-not-retry)."""
    members = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": foreign_server.url("/cb"),
    }
    bank = register(**FOR_CIBA | members)
    for status, state in (
        ("303 See Other", DeliveryState.FAILED),
        ("401 Unauthorized", DeliveryState.FAILED),
        ("500 Oops", DeliveryState.WAITING),
    ):
        foreign_server.behaviour = answering(status=status, location=foreign_server.url("/elsewhere"))
        ask(bank, client_notification_token="token")
        answer(browser)
        deliver_due(installation, PINGS)
        with work() as w:
            ping = next(message for message in outbox.find(w.read) if message.topic == Topic.BACKCHANNEL_PING)
        clock.advance(seconds=11)  # a server that failed is not asked again for ten seconds
        assert (ping.state, ping.about) == (state, f"ping to {bank.client_id}")
    assert {request.target for request in foreign_server.requests} == {"/cb"}


def test_nobody_is_flooded_with_emails_or_tired_into_approving(
    bank: RelyingParty, register: Register, browser: WatchedClient, inbox: Inbox, lower: Lower
) -> None:
    """N-222: emails have a lower limit than requests; an app that was denied cannot ask for a while, others can."""
    lower(backchannel_mail="2/hour", backchannel="5/hour")
    for _ in range(4):
        ask(bank)
    assert len(inbox.letters(ADA)) == 2
    assert len(waiting(browser)) == 4, "the account page lists them all the same"
    ask(bank)
    assert refusal(bank)[0] == 429
    other = register(**FOR_CIBA)
    for count in range(3):
        ask(other)
        assert len(inbox.letters(ADA)) == min(3 + count, 4)
        answer(browser, "deny")
    assert refusal(other) == (403, "access_denied")


def test_an_app_that_asks_for_approvals_is_no_api(bank: RelyingParty, rp: RelyingParty, browser: WatchedClient) -> None:
    """N-235: RFC 7662 section 2.1: it has no redirect URIs, and yet may not ask about other clients' tokens."""
    assert not bank.is_active(rp.sign_in(browser).access_token)
