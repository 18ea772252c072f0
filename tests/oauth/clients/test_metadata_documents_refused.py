"""Metadata documents that lie, hide, are slow or huge, and URLs that lead to places they must not lead to.

See draft-ietf-oauth-client-id-metadata-document-01. The person gets a page and no redirect, the program an error, and
nothing is stored.
"""

import json
import socket
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.oauth.clients import metadata_documents
from provider.oauth.clients.clients import find_client
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_documents import LARGEST, USUAL, read_document
from provider.outbound import connection
from provider.outbound.client import FAILURE_KEPT
from provider.work import Installation
from tests.oauth.conftest import Person
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.client_documents import CALLBACK, LISTED, Names, Published, with_names
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, Request, answer, raw
from tests.support.installation import FOREIGN_HOST, ISSUER, Work, settings_for
from tests.support.limits import Lower
from tests.support.relying_party import AUTHORIZE, Answer, RelyingParty

PUBLIC = "192.0.9.1"
"""An address that is public, and never asked here."""


@pytest.fixture
def changes() -> dict[str, Any]:
    return LISTED


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any], changes: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings, **changes)


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def installation(installation: Installation, names: Names) -> Installation:
    return with_names(installation, names)


@pytest.fixture
def agent(foreign_server: ForeignServer, hosts: set[str]) -> Published:
    hosts.add(FOREIGN_HOST)
    return Published(foreign_server)


@pytest.fixture
def rp(agent: Published, http: WatchedClient) -> RelyingParty:
    http.outage = True
    return agent.rp(http)


def refused(rp: RelyingParty, work: Work, *, status: int = 400) -> str:
    """Ask, and be refused on a page, with nothing stored. What the page says."""
    response = rp.ask(rp.http).response
    assert (response.status_code, response.headers.get("location")) == (status, None), response.text[:500]
    with work() as w:
        assert find_client(w, rp.client_id) is None
    return response.text


def unreadable(agent: Published, work: Work, **members: Any) -> None:
    """Check that the document is refused with these members."""
    agent.publish(**members)
    with work() as w, pytest.raises(InvalidMetadata):
        read_document(w, agent.url, json.dumps(agent.document).encode(), before=None)


def sign_in(rp: RelyingParty, browser: WatchedClient, **changes: str | None) -> Answer:
    asked = rp.ask(browser, **changes)
    form = {"decision": "allow", "csrf_token": csrf_of(browser)}
    browser.post("/consent", params={"request_uri": asked.request_uri}, data=form, headers={"origin": ISSUER})
    return rp.resume(browser, asked)


@pytest.mark.parametrize("status", ["301 Moved Permanently", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed(agent: Published, rp: RelyingParty, work: Work, status: str) -> None:
    """N-119. Section 4: a successful response is 200."""
    agent.answer_with(answer(status=status, Location=agent.url + "2"))
    assert "cannot be fetched" in refused(rp, work)
    assert [request.target for request in agent.server.requests] == ["/client.json"]


@pytest.mark.parametrize("other", ["https://bank.example/client.json", "/", None])
def test_a_document_that_names_another_client_is_refused(
    agent: Published, rp: RelyingParty, work: Work, other: object
) -> None:
    """N-120. Section 4.1: client_id is the URL, by simple string comparison."""
    agent.publish(client_id=agent.url.rstrip("n") if other == "/" else other)
    assert "client_id in it must be the URL of the document" in refused(rp, work)


SECRETS: list[dict[str, Any]] = [
    {"client_secret": "s" * 40},
    {"client_secret_expires_at": 0},
    {"token_endpoint_auth_method": "client_secret_basic"},
    {"token_endpoint_auth_method": "client_secret_post"},
    {"token_endpoint_auth_method": "client_secret_jwt"},
    {"token_endpoint_auth_method": "tls_client_auth"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
]


def test_a_document_with_a_secret_is_refused(agent: Published, work: Work) -> None:
    """N-121. Section 4.1: everyone can read it."""
    for members in SECRETS:
        unreadable(agent, work, **members)


def test_what_is_no_json_object_is_refused(agent: Published, rp: RelyingParty, work: Work) -> None:
    """N-122. Section 4.1, RFC 8259."""
    for body in (b"", b"[]", b'{"client_id": ', b'{"client_id": "a", "client_id": "b"}', b"[" * 4000, b"\xff\xfe{}"):
        with work() as w, pytest.raises(ValueError, match=r"."):
            read_document(w, agent.url, body, before=None)
    agent.answer_with(answer("[" * 4000))
    assert "is not valid" in refused(rp, work)


@pytest.mark.parametrize(
    ("content_type", "good"),
    [
        ("text/html", False),
        ("text/json", False),
        ("", False),
        ("application/jsonp", False),
        ("application/json; charset=utf-8", True),
        ("application/oauth-client+json", True),
    ],
)
def test_only_types_of_json_are_read(
    agent: Published,
    rp: RelyingParty,
    work: Work,
    content_type: str,
    good: bool,
) -> None:
    """N-123. Section 4.1, RFC 6839 section 3.1."""
    agent.answer_with(answer(agent.document, content_type))
    if good:
        assert rp.ask(rp.http).page == "/login"
    else:
        refused(rp, work)


@pytest.mark.parametrize("size", [LARGEST + 1, 10_000_000])
def test_a_huge_document_is_not_read_to_its_end(agent: Published, rp: RelyingParty, work: Work, size: int) -> None:
    """N-124. Section 6.6: at most 5 KB."""
    agent.answer_with(answer(" " * size))
    refused(rp, work)


def test_a_slow_server_ends_the_request_and_is_not_asked_again_at_once(
    agent: Published, rp: RelyingParty, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch, http: WatchedClient
) -> None:
    """N-125. One that sends a byte now and then, too. Neither is another document of the host asked for."""
    monkeypatch.setattr(connection, "TIMEOUT", 0.2)

    def slow(secure: socket.socket, _request: Request) -> None:
        while not agent.server.stopped.wait(0.05):
            secure.sendall(b"H")

    agent.answer_with(slow)
    refused(rp, work, status=503)
    connections = agent.server.connections
    assert http.get(AUTHORIZE, params={"client_id": agent.url + "2"}).status_code == 503
    assert agent.server.connections == connections
    agent.publish()
    clock.advance(FAILURE_KEPT)
    assert rp.ask(http).page == "/login"


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.2", "fd00::1"])
def test_a_name_with_a_private_address_is_not_asked(
    agent: Published, rp: RelyingParty, work: Work, names: Names, address: str
) -> None:
    """N-126. Section 6.5: the domain is listed, but no operator allowed this address."""
    if address == "127.0.0.2":
        rp.client_id = agent.url = agent.url.replace(FOREIGN_HOST, "other.example.test")
    names.address = address
    refused(rp, work)
    assert agent.server.connections == 0


@pytest.mark.parametrize("changes", [{"client_documents": "all"}])
def test_of_unlisted_domains_only_public_addresses_are_asked(agent: Published, rp: RelyingParty, work: Work) -> None:
    """N-127. Section 6.5: SIGNET_OUTBOUND_ALLOW has this address, but anyone can write a name that leads there."""
    assert "cannot be fetched" in refused(rp, work)
    assert agent.server.connections == 0


@pytest.mark.parametrize("changes", [{"client_documents": "all"}])
def test_a_name_that_changes_its_address_gains_nothing(
    agent: Published, rp: RelyingParty, work: Work, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-128. DNS rebinding (section 6.5): the address that is connected to is the one that was checked."""
    places: list[Any] = []

    def connect(_socket: socket.socket, place: Any) -> None:
        places.append(place[0])
        names.address = "127.0.0.1"
        raise ConnectionRefusedError

    names.address = PUBLIC
    monkeypatch.setattr(socket.socket, "connect", connect)
    refused(rp, work, status=503)
    assert places == [PUBLIC]


@pytest.mark.parametrize("changes", [{**LISTED, "client_document_domains_blocked": frozenset({FOREIGN_HOST})}])
def test_a_blocked_domain_is_not_asked(agent: Published, rp: RelyingParty, work: Work) -> None:
    """N-129. Section 6.8."""
    assert "apps of its domain cannot be used here" in refused(rp, work)
    assert agent.server.connections == 0


@pytest.mark.parametrize("changes", [{}, {"client_documents": "listed"}])
def test_without_the_setting_no_url_is_looked_for(agent: Published, rp: RelyingParty, work: Work) -> None:
    """N-130. The default."""
    refused(rp, work)
    assert agent.server.connections == 0


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "200 OK"])
def test_a_document_that_is_gone_or_wrong_ends_its_client(
    agent: Published, http: WatchedClient, person: Person, ada: str, clock: Clock, status: str
) -> None:
    """N-131. Section 4: also tokens are not refreshed, until the document is there again."""
    browser, rp = person(ada), agent.rp(http)
    tokens = rp.redeem(sign_in(rp, browser))
    agent.answer_with(answer("gone", "text/html", status=status))
    clock.advance(USUAL)
    for _ in range(2):
        assert rp.refresh(tokens).error == "invalid_client"
        assert rp.ask(browser).response.status_code == 400
    agent.publish()
    clock.advance(FAILURE_KEPT)
    assert rp.refresh(tokens).status == 200


def test_a_redirect_uri_that_is_taken_back_before_the_code_is_redeemed(
    agent: Published, http: WatchedClient, person: Person, ada: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """N-132. Section 6.3: between the authorization request and the token request."""
    monkeypatch.setattr(metadata_documents, "SHORTEST", FAILURE_KEPT)
    agent.publish({"Cache_Control": "no-cache"})
    browser, rp = person(ada), agent.rp(http)
    answered = sign_in(rp, browser)
    agent.publish(redirect_uris=["https://other.example.test/callback"])
    clock.advance(FAILURE_KEPT)
    assert rp.redeem(answered).error == "invalid_grant"
    assert rp.ask(browser).response.status_code == 400


@pytest.mark.parametrize(
    "uri",
    [
        f"{CALLBACK}/",
        f"{CALLBACK}?a=b",
        f"https://{FOREIGN_HOST}:8443/callback",
        "https://evil.example/callback",
        "http://localhost:3000/callback",
    ],
)
def test_only_redirect_uris_in_the_document_are_used(rp: RelyingParty, uri: str) -> None:
    """N-133. Section 4.4, RFC 9700 section 2.1."""
    response = rp.ask(rp.http, redirect_uri=uri).response
    assert (response.status_code, response.headers.get("location")) == (400, None)


FORBIDDEN: list[dict[str, Any]] = [
    {"redirect_uris": None},
    {"redirect_uris": []},
    {"redirect_uris": "https://app.example.test/callback"},
    {"redirect_uris": ["http://app.example.test/callback"]},
    {"redirect_uris": ["javascript:alert(1)"]},
    {"redirect_uris": ["https://app.example.test/callback#a"]},
    {"redirect_uris": ["https://*.example.test/callback"]},
    {"grant_types": ["client_credentials"]},
    {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]},
    {"scope": "admin:write"},
    {"jwks_uri": "https://10.0.0.1/jwks.json"},
    {"logo_uri": "https://192.168.1.1/logo.png"},
    {"client_name": "Your bank\u202e"},
]


def test_a_document_gets_what_an_app_that_registers_itself_gets(agent: Published, work: Work) -> None:
    """N-134. Section 4.1, RFC 7591 section 5."""
    for members in FORBIDDEN:
        unreadable(agent, work, **members)


def test_members_that_only_operators_may_set_are_ignored(
    agent: Published, rp: RelyingParty, person: Person, ada: str, work: Work
) -> None:
    """N-135. RFC 7591 section 2: neither consent nor PKCE is left out."""
    agent.publish(first_party=True, require_pkce=False, resource_identifiers=[ISSUER], profile="fapi2", x={"y": [1]})
    assert rp.ask(person(ada)).page == "/consent"
    with work() as w:
        client = find_client(w, agent.url)
    assert client is not None
    metadata = client.metadata
    assert (metadata.first_party, metadata.require_pkce, metadata.resource_identifiers) == (False, True, ())


def test_a_logo_of_another_host_is_never_loaded(agent: Published, rp: RelyingParty, person: Person, ada: str) -> None:
    """N-136. Section 6.7: it could look like someone else, and tell who looks at the page."""
    agent.publish(logo_uri="https://tracker.example/logo.png")
    browser = person(ada)
    page = browser.get("/consent", params={"request_uri": rp.ask(browser).request_uri})
    assert "tracker.example" not in page.text + page.headers["content-security-policy"]


def test_the_token_endpoint_looks_for_no_client(agent: Published, http: WatchedClient) -> None:
    """N-137. Section 6.5: where no client can be met first, a URL leads to no request."""
    rp = agent.rp(http)
    for url in ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"):
        assert rp.post(url, grant_type="client_credentials", token="x").status_code == 401
    assert agent.server.connections == 0


def test_new_documents_from_one_place_are_limited(rp: RelyingParty, work: Work, lower: Lower, agent: Published) -> None:
    """N-138. Section 6.6: each is a request and a row."""
    lower(client_document="1/hour")
    agent.answer_with(answer(status="404 Not Found"))
    refused(rp, work)
    assert rp.http.get(AUTHORIZE, params={"client_id": agent.url + "2"}).status_code == 429
    assert agent.server.connections == 1


def test_a_certificate_of_another_host_is_refused(agent: Published, rp: RelyingParty, work: Work) -> None:
    """N-139. RFC 9110 section 4.3.4."""
    settings_host = agent.url.replace(FOREIGN_HOST, f"x.{FOREIGN_HOST}")
    rp.client_id = settings_host
    refused(rp, work)
    agent.answer_with(raw(b"not HTTP\r\n\r\n"))
    rp.client_id = agent.url
    refused(rp, work, status=503)
