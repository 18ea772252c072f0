"""Agents: users see which clients act for them, with which APIs and until when, and stop one or all of them."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from provider.audit import store as audit
from provider.oauth.clients.choices import JWT_BEARER, TOKEN_EXCHANGE
from provider.oauth.grants.token_exchange import ACCESS_TOKEN
from provider.oauth.tokens.store import delegations
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.browser import Browser
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import RelyingParty, Tokens

BOOKS, FILMS = "https://books.example.test", "https://films.example.test"
NOBODY: dict[str, Any] = {"redirect_uris": (), "post_logout_redirect_uris": ()}


@pytest.fixture
def films(register: Register) -> RelyingParty:
    return register(client_name="Films", resource_identifiers=(FILMS,), grant_types=(), scope="read", **NOBODY)


@pytest.fixture
def helper(register: Register, films: RelyingParty) -> RelyingParty:
    """An agent: an API that acts for its users at the films API."""
    exchanging = {"grant_types": (TOKEN_EXCHANGE,), "exchange_targets": (FILMS,)}
    return register(client_name="Helper", resource_identifiers=(BOOKS,), scope="read", **exchanging, **NOBODY)


@pytest.fixture
def quill(register: Register) -> RelyingParty:
    return register(client_name="Quill", scope="openid offline_access read account")


@pytest.fixture
def pages(app: Starlette, browser: WatchedClient) -> Browser:
    """Ada's account pages."""
    found = Browser(app, ISSUER)
    found.client = browser
    return found


def exchange(helper: RelyingParty, token: str) -> Tokens:
    given = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return Tokens(helper.post("/oauth2/token", **given, resource=FILMS))


@pytest.fixture
def shown(quill: RelyingParty, helper: RelyingParty, browser: httpx2.Client) -> str:
    """The token that the app shows to the helper."""
    asked = quill.ask(browser, scope="openid offline_access read", resource=BOOKS)
    return quill.redeem(asked, resource=BOOKS).access_token


@pytest.mark.both_databases
def test_a_user_sees_an_agent_stops_it_and_allows_it_again(
    helper: RelyingParty, films: RelyingParty, shown: str, pages: Browser, ada: str, work: Work, clock: Clock
) -> None:
    """RFC 8693 section 4.1: who acts is in the token, the audit log, and the account; what a user stops stays so."""
    token = exchange(helper, shown).access_token
    assert films.introspect(token)["act"] == {"sub": helper.client_id}
    with work() as w:
        event = audit.find(w.read, user_id=ada)[0]
    assert (event.name, event.client_id, event.details["actors"]) == (
        "token.exchanged", helper.client_id, [helper.client_id],
    )  # fmt: skip
    page = pages.open("/account/applications")
    assert "Agents" in page.text
    assert "Helper" in page.text
    assert "Uses for you: Films" in page.text
    assert "Can act for you until" in page.text
    one = f"/account/applications/app?client_id={helper.client_id}"
    page = pages.open(one)
    assert "Quill passed your permission on to it." in page.text
    assert "Films" in page.text
    assert "An app acted for you Helper" in pages.open("/account/activity").text
    page = pages.open(one)
    assert "Helper can no longer act for you" in page.text
    assert "You can allow it again under Apps." in page.text
    assert "on all devices" not in page.text
    page = pages.submit(button="Remove access")
    assert "Stopped agents" in page.text
    assert films.introspect(token) == {"active": False}
    refused = exchange(helper, shown)
    assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
    assert "You stopped an app from acting for you Helper" in pages.open("/account/activity").text
    clock.advance(seconds=2)
    pages.open("/account/applications")
    assert "The agent can act for you again." in pages.submit(button="Allow again").text
    assert films.introspect(token) == {"active": False}
    assert films.introspect(exchange(helper, shown).access_token)["active"]


def test_a_user_stops_all_agents_at_once_and_other_apps_stay(
    helper: RelyingParty,
    shown: str,
    pages: Browser,
    register: Register,
    work: Work,
    ada: str,
) -> None:
    signatory = Signatory()
    with work() as w:
        issuers.create(w, "https://idp.example.test", IssuerSettings(jwks=signatory.jwks, user_mapping="sub"))
    other = register(client_name="Night job", grant_types=(JWT_BEARER,), scope="read", **NOBODY)
    exchange(helper, shown)
    with work() as w:
        now = int(w.now.timestamp())
    claims = {"iss": "https://idp.example.test", "sub": ada, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "1"}
    assert other.post("/oauth2/token", grant_type=JWT_BEARER, assertion=signatory.sign(claims)).status_code == 200
    page = pages.open("/account/applications")
    assert "Night job" in page.text
    assert (
        "https://idp.example.test lets it act for you."
        in pages.open(f"/account/applications/app?client_id={other.client_id}").text
    )
    pages.open("/account/applications")
    page = pages.submit(button="Stop all agents")
    assert "All agents were stopped." in page.text
    assert "Quill" in page.text
    with work() as w:
        assert all(one.ended_at for one in delegations.find_of_user(w.read, ada))


def test_the_same_by_api(
    helper: RelyingParty, shown: str, quill: RelyingParty, browser: WatchedClient, clock: Clock
) -> None:
    exchange(helper, shown)
    account = quill.redeem(quill.ask(browser, scope="openid account")).access_token
    headers = {"authorization": f"Bearer {account}"}
    http = quill.http

    def listed() -> dict[str, Any]:
        found: dict[str, Any] = http.get("/api/account/agents", headers=headers).json()
        return found

    (agent,) = listed()["agents"]
    assert (agent["name"], agent["via"], agent["scope"]) == ("Helper", quill.client_id, "read")
    assert agent["apis"] == [{"name": "Films", "identifier": FILMS}]
    one = f"/api/account/agents/{helper.client_id}"
    assert http.delete(one, headers=headers).status_code == 204
    assert http.delete(one, headers=headers).status_code == 404
    assert listed() == {"agents": [], "stopped": [{"client_id": helper.client_id, "name": "Helper"}]}
    assert http.post(f"{one}/restore", headers=headers).status_code == 204
    assert http.post(f"{one}/restore", headers=headers).status_code == 404
    assert http.delete("/api/account/agents", headers=headers).status_code == 204
    assert len(listed()["stopped"]) == 1


@pytest.mark.both_databases
def test_old_delegations_are_deleted_and_those_that_were_stopped_are_kept(
    helper: RelyingParty, shown: str, ada: str, work: Work, clock: Clock
) -> None:
    exchange(helper, shown)
    clock.advance(seconds=86_400)
    with work() as w:
        assert delegations.end(w.db, ada, helper.client_id, now=w.now)
    with work() as w:
        assert not delegations.end(w.db, ada, helper.client_id, now=w.now)
        assert delegations.purge(w.db, before=w.now, limit=10) == 0
        assert delegations.resume(w.db, ada, helper.client_id, now=w.now)
        assert delegations.purge(w.db, before=w.now, limit=10) == 1
