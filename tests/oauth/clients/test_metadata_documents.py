"""Apps whose client_id is the URL of a metadata document: met, kept, changed, gone, disabled.

See draft-ietf-oauth-client-id-metadata-document-01.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from provider.audit import store as audit
from provider.config.settings import Settings
from provider.oauth.clients import clients
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import Client, find_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_documents import KEPT_FOR, LONGEST, NEW_FOR, SHORTEST, USUAL
from provider.oauth.clients.unused_clients import purge_unused
from provider.outbound.client import FAILURE_KEPT
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.client_documents import CALLBACK, LISTED, Names, Published, with_names
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, answer
from tests.support.installation import FOREIGN_HOST, ISSUER, Work, settings_for
from tests.support.relying_party import Answer, RelyingParty, Tokens
from tests.support.waiting import PATIENCE

SOON = {"Cache_Control": "no-cache"}
"""Fetched again after SHORTEST."""


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, object]) -> Settings:
    return settings_for(database_url, **LISTED, **outbound_settings)


@pytest.fixture
def installation(installation: Installation) -> Installation:
    return with_names(installation, Names())


@pytest.fixture
def agent(foreign_server: ForeignServer, hosts: set[str]) -> Published:
    hosts.add(FOREIGN_HOST)
    return Published(foreign_server)


@pytest.fixture
def rp(agent: Published, http: WatchedClient) -> RelyingParty:
    return agent.rp(http)


@pytest.fixture
def browser(person: Person, ada: str) -> WatchedClient:
    return person(ada)


def allow(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> Answer:
    asked = rp.ask(browser, **changes)
    assert asked.page == "/consent", asked.response.text
    form = {"decision": "allow", "csrf_token": csrf_of(browser)}
    browser.post("/consent", params={"request_uri": asked.request_uri}, data=form, headers={"origin": ISSUER})
    return rp.resume(browser, asked)


def sign_in(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> Tokens:
    tokens = rp.redeem(allow(rp, browser, **changes))
    assert tokens.status == 200, tokens.body
    return tokens


def stored(work: Work, url: str) -> Client:
    with work() as w:
        client = find_client(w, url)
    assert client is not None
    return client


@pytest.mark.also_on_postgresql
def test_an_app_that_was_never_met_signs_a_user_in(
    agent: Published, rp: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """Sections 4 and 5: the document is fetched once, and takes the place of a registration."""
    tokens = sign_in(rp, browser)
    assert rp.verify(tokens)["aud"] == agent.url
    assert rp.refresh(tokens).status == 200
    assert rp.revoke(tokens.access_token).status_code == 200
    client = stored(work, agent.url)
    assert (client.name, client.has_document, client.is_vouched_for) == ("Example agent", True, False)
    assert client.document_expires_at == client.created_at + USUAL
    assert agent.fetched == 1
    request = agent.server.requests[0]
    assert (request.headers["accept"], request.headers["host"]) == (
        "application/json",
        f"{FOREIGN_HOST}:{agent.server.port}",
    )


def test_the_consent_page_names_the_host_of_the_document_first(
    agent: Published, http: WatchedClient, browser: WatchedClient, hosts: set[str]
) -> None:
    """Section 6.4; MCP authorization 2026-07-28, Localhost Redirect URI Risks."""
    agent.publish(redirect_uris=["http://localhost:3000/callback", "https://other.example.test/cb"])
    hosts |= {"localhost", "other.example.test"}
    shown = {}
    for uri in ("http://localhost:54321/callback", "https://other.example.test/cb"):
        asked = agent.rp(http).ask(browser, redirect_uri=uri)
        page = browser.get("/consent", params={"request_uri": asked.request_uri}).text
        shown[uri] = page.replace('<span dir="auto">', "").replace("</span>", "")
    local, other = shown.values()
    assert f"{FOREIGN_HOST} wants to access your account" in local
    assert "It was first used here on" in local
    assert "another program can pretend to be it" in local
    assert "You'll be sent to other.example.test." in other
    assert "another program" not in other


def test_pushed_requests_and_devices_may_be_met_first(
    agent: Published, http: WatchedClient, browser: WatchedClient
) -> None:
    """RFC 9126, RFC 8628."""
    agent.publish(grant_types=["authorization_code", DEVICE_CODE])
    rp = agent.rp(http)
    begun = rp.post("/oauth2/device_authorization", scope="openid")
    parameters, _ = rp.request()
    pushed = rp.post("/oauth2/par", **parameters)
    assert (begun.status_code, pushed.status_code) == (200, 201), (begun.text, pushed.text)
    asked = browser.get(
        "/oauth2/authorize", params={"client_id": agent.url, "request_uri": pushed.json()["request_uri"]}
    )
    assert asked.headers["location"].startswith("/consent?")
    assert agent.fetched == 1


def test_an_app_authenticates_with_the_keys_it_publishes(
    agent: Published, http: WatchedClient, browser: WatchedClient
) -> None:
    """Section 6.2: private_key_jwt by jwks_uri."""
    agent.publish(token_endpoint_auth_method="private_key_jwt", jwks_uri=agent.jwks_uri)
    tokens = sign_in(agent.rp(http, token_endpoint_auth_method="private_key_jwt"), browser)
    assert agent.rp(http).refresh(tokens).error == "invalid_client"
    assert agent.rp(http, token_endpoint_auth_method="private_key_jwt").refresh(tokens).status == 200


@pytest.mark.also_on_postgresql
def test_what_changed_since_is_asked_again(
    agent: Published, http: WatchedClient, browser: WatchedClient, clock: Clock
) -> None:
    """Section 6.3."""
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": agent.jwks_uri}
    agent.publish(SOON, **keys)
    rp = agent.rp(http, token_endpoint_auth_method="private_key_jwt")
    sign_in(rp, browser)
    assert rp.ask(browser).page is None  # remembered
    clock.advance(SHORTEST)
    assert rp.ask(browser).page is None  # fetched again, and the same
    agent.publish(SOON, **keys, client_name="Your bank")
    clock.advance(SHORTEST)
    assert rp.ask(browser).page == "/consent"


def test_what_was_allowed_before_a_document_changed_does_not_come_back_with_less(
    agent: Published, http: WatchedClient, browser: WatchedClient, clock: Clock
) -> None:
    """N-620: section 6.3. The user allows the changed app less than the earlier one had."""
    keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": agent.jwks_uri}
    agent.publish(SOON, **keys)
    rp = agent.rp(http, token_endpoint_auth_method="private_key_jwt")
    allow(rp, browser, scope="openid email")
    clock.advance(SHORTEST)
    agent.publish(SOON, **keys, client_name="Your bank")
    allow(rp, browser, scope="openid")
    assert rp.ask(browser, scope="openid").page is None
    assert rp.ask(browser, scope="openid email").page == "/consent"


@pytest.mark.parametrize(
    ("header", "lifetime"),
    [
        ("max-age=1800", timedelta(minutes=30)),
        ("no-store", SHORTEST),
        ("max-age=1", SHORTEST),
        ("max-age=31536000", LONGEST),
    ],
)
def test_a_copy_is_fresh_as_long_as_its_server_says_within_bounds(
    agent: Published,
    rp: RelyingParty,
    browser: WatchedClient,
    work: Work,
    clock: Clock,
    header: str,
    lifetime: timedelta,
) -> None:
    """Section 4.3, RFC 9111 section 4.2."""
    agent.publish({"Cache_Control": header})
    rp.ask(browser)
    assert stored(work, agent.url).document_expires_at == clock.now + lifetime
    clock.advance(lifetime - timedelta(seconds=1))
    rp.ask(browser)
    assert agent.fetched == 1
    clock.advance(timedelta(seconds=1))
    rp.ask(browser)
    assert agent.fetched == 2


def test_while_its_server_is_down_an_app_keeps_what_it_has(
    agent: Published, rp: RelyingParty, browser: WatchedClient, http: WatchedClient, clock: Clock
) -> None:
    """Section 4.2: new requests are aborted. Tokens are refreshed with the last copy for a while."""
    tokens = sign_in(rp, browser, scope="openid offline_access")
    clock.advance(USUAL)
    agent.answer_with(answer(status="503 Service Unavailable"))
    browser.outage = http.outage = True
    assert rp.ask(browser).response.status_code == 503
    tokens = rp.refresh(tokens)
    assert tokens.status == 200
    clock.advance(KEPT_FOR)
    refused = rp.refresh(tokens)
    assert (refused.status, refused.error) == (503, "temporarily_unavailable")
    assert refused.response.headers["retry-after"]
    agent.publish()
    clock.advance(FAILURE_KEPT)
    assert rp.refresh(tokens).status == 200


def test_an_app_that_is_not_used_is_deleted_and_a_disabled_one_stays(
    agent: Published, rp: RelyingParty, person: Person, ada: str, work: Work, clock: Clock, settings: Settings
) -> None:
    def purged() -> int:
        with work() as w:
            return purge_unused(w, before=clock.now, limit=10)

    rp.ask(person())
    clock.advance(NEW_FOR + timedelta(seconds=1))
    assert purged() == 1
    tokens = sign_in(rp, person(ada))
    assert stored(work, agent.url).expires_at == clock.now + settings.unused_client_lifetime
    with work() as w:
        clients.disable(w, agent.url)
    assert rp.refresh(tokens).error == "invalid_client"
    clock.advance(settings.unused_client_lifetime * 2)
    fetched = agent.fetched
    assert (purged(), rp.ask(person()).response.status_code, agent.fetched) == (0, 400, fetched)
    with work() as w:
        clients.enable(w, agent.url)
    assert stored(work, agent.url).expires_at == clock.now + settings.unused_client_lifetime


@pytest.mark.parametrize("assumed", [False, True])
def test_an_app_that_does_not_ask_for_offline_access_may_get_it_all_the_same(
    agent: Published,
    installation: Installation,
    app: Starlette,
    browser: WatchedClient,
    http: WatchedClient,
    assumed: bool,
) -> None:
    """OIDC Core section 11 leaves it to the server. The user is asked for it."""
    changed = installation.settings.model_copy(update={"assume_offline_access": assumed})
    app.state.installation = replace(installation, settings=changed)
    agent.publish(scope="openid email")
    asked = agent.rp(http).ask(browser, scope="email openid")
    page = browser.get("/consent", params={"request_uri": asked.request_uri}).text
    assert ("Stay connected when you" in page) is assumed


def test_operators_cannot_edit_what_a_document_says(
    agent: Published, rp: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    rp.ask(browser)
    client = stored(work, agent.url)
    with work() as w, pytest.raises(InvalidMetadata, match="can be changed only there"):
        clients.update_client(w, agent.url, replace(client.metadata, client_name="Ours"))
    with work() as w:
        names = [event.name for event in audit.find(w.read, client_id=agent.url)]
    assert names == ["client.created"]


def test_a_url_that_an_operator_registered_is_a_client_like_others(
    agent: Published, register: Register, browser: WatchedClient
) -> None:
    """Section 6.10: its document is never fetched."""
    rp = register(public=True, client_id=agent.url, redirect_uris=(CALLBACK,))
    assert rp.sign_in(browser).status == 200
    assert agent.fetched == 0


@pytest.mark.also_on_postgresql
def test_of_many_requests_at_once_one_fetches(agent: Published, rp: RelyingParty) -> None:
    """One fetch for each host at a time; one more request may wait for it, and others come again."""
    began, go = threading.Event(), threading.Event()
    document = answer(agent.document)

    def slow(connection: object, request: object) -> None:
        began.set()
        go.wait(PATIENCE)
        document(connection, request)  # type: ignore[arg-type]

    agent.answer_with(slow)
    rp.http.outage = True  # type: ignore[attr-defined]
    parameters, _ = rp.request()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(rp.http.get, "/oauth2/authorize", params=parameters)
        assert began.wait(PATIENCE)
        others = [pool.submit(rp.http.get, "/oauth2/authorize", params=parameters) for _ in range(3)]
        done = {one.result(PATIENCE).status_code for one in others if one.done()}
        go.set()
        statuses = sorted(one.result(PATIENCE).status_code for one in [first, *others])
    assert done <= {503}
    assert statuses[:2] == [303, 303]
    assert set(statuses[2:]) <= {303, 503}
    assert agent.fetched == 1


def test_the_discovery_document_says_whether_urls_are_looked_for(http: WatchedClient) -> None:
    """Section 5."""
    for name in ("openid-configuration", "oauth-authorization-server"):
        assert http.get(f"/.well-known/{name}").json()["client_id_metadata_document_supported"] is True
