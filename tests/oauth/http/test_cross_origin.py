"""Which pages of other sites may read which answers (A-100)."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from provider.oauth.clients import clients
from tests.oauth.conftest import Register
from tests.oauth.watched_http import READ_BY_ALL, READ_BY_APPS, WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import INTROSPECT, ISSUER, REVOKE, TOKEN, USERINFO, RelyingParty

PAR = "/oauth2/par"
APP = "https://app.example.test"
OTHER = "https://other.example.test"
STRANGERS = [
    "https://evil.test",
    "null",
    ISSUER,
    OTHER,
    f"{APP}.evil.test",
    f"{APP}:444",
    "http://app.example.test",
    "*",
]


@pytest.fixture
def other(register: Register) -> RelyingParty:
    """Another app, with pages of its own."""
    return register(public=True, redirect_uris=(f"{OTHER}/cb",))


@pytest.fixture(params=[True, False], ids=["public", "confidential"])
def rp(register: Register, request: pytest.FixtureRequest) -> RelyingParty:
    return register(public=request.param)


def from_page(rp: RelyingParty, origin: str, url: str, **form: str) -> tuple[str | None, dict[str, str]]:
    """What a page of this origin is told it may read, and the answer."""
    headers, body = rp.authentication()
    response = rp.http.post(url, data={**body, **form}, headers={**headers, "origin": origin})
    assert response.headers["vary"] == "Origin"
    return response.headers.get("access-control-allow-origin"), response.json() if response.content else {}


def read_userinfo(rp: RelyingParty, origin: str, token: str) -> tuple[str | None, int]:
    headers = {"origin": origin, "authorization": f"Bearer {token}"}
    response = rp.http.get(USERINFO, headers=headers)
    assert response.headers["vary"] == "Origin"
    return response.headers.get("access-control-allow-origin"), response.status_code


def test_a_page_of_the_app_reads_its_answers(rp: RelyingParty, browser: WatchedClient) -> None:
    """Tokens, userinfo, and the revocation, with errors."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    allowed, body = from_page(rp, APP, TOKEN, grant_type="refresh_token", refresh_token=tokens.refresh_token)
    assert (allowed, "access_token" in body) == (APP, True)
    assert read_userinfo(rp, APP, tokens.access_token) == (APP, 200)
    assert from_page(rp, APP, REVOKE, token=tokens.access_token) == (APP, {})
    allowed, body = from_page(rp, APP, TOKEN, grant_type="refresh_token", refresh_token="x" * 43)
    assert (allowed, body["error"]) == (APP, "invalid_grant")
    allowed, body = from_page(rp, APP, TOKEN, grant_type="x")
    assert (allowed, body["error"]) == (APP, "unsupported_grant_type")
    allowed, body = from_page(rp, APP, PAR, **rp.request()[0])
    assert (allowed, "request_uri" in body) == (APP, True)


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_anybody_else_reads_nothing(
    rp: RelyingParty, other: RelyingParty, browser: WatchedClient, origin: str
) -> None:
    """A-100: also when it is a page of another client, and when the client has proven who it is."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    assert from_page(rp, origin, TOKEN, grant_type="refresh_token", refresh_token="x")[0] is None
    assert read_userinfo(rp, origin, tokens.access_token) == (None, 200)
    assert from_page(rp, origin, REVOKE, token=tokens.access_token)[0] is None
    assert from_page(rp, origin, PAR, **rp.request()[0])[0] is None
    assert other.client_id


def test_who_has_not_proven_to_be_the_client_is_told_nothing(register: Register) -> None:
    """A-100: the client_id in a request is a claim until the client is authenticated."""
    rp = register()
    for form in ({"client_id": rp.client_id}, {"client_id": rp.client_id, "client_secret": "wrong" * 9}):
        response = rp.http.post(TOKEN, data={**form, "grant_type": "x"}, headers={"origin": APP})
        assert response.status_code == 401
        assert "access-control-allow-origin" not in response.headers
    assert read_userinfo(rp, APP, "x.y.z") == (None, 401)
    assert rp.http.get(USERINFO, headers={"origin": APP}).headers.get("access-control-allow-origin") is None


def test_why_a_token_no_longer_counts_may_be_read(rp: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """An app that cannot read `invalid_token` cannot know that it is time to refresh."""
    tokens = rp.sign_in(browser)
    clock.advance(minutes=11)
    response = rp.http.get(USERINFO, headers={"origin": APP, "authorization": f"Bearer {tokens.access_token}"})
    assert response.headers["access-control-allow-origin"] == APP
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]
    assert response.json()["error"] == "invalid_token"
    assert read_userinfo(rp, OTHER, tokens.access_token) == (None, 401)


def test_a_redirect_uri_that_is_gone_takes_its_origin_along(
    register: Register, http: WatchedClient, work: Work
) -> None:
    rp = register(public=True, redirect_uris=(f"{APP}/cb", f"{OTHER}/cb"))
    assert from_page(rp, OTHER, TOKEN, grant_type="x")[0] == OTHER
    assert preflight(http, TOKEN, OTHER) == OTHER
    with work() as w:
        changed = replace(rp.client.metadata, redirect_uris=(f"{APP}/cb",))
        clients.update_client(w, rp.client_id, changed)
    assert from_page(rp, OTHER, TOKEN, grant_type="x")[0] is None
    assert preflight(http, TOKEN, OTHER) is None
    assert preflight(http, TOKEN, APP) == APP


# Preflights


def preflight(http: WatchedClient, url: str, origin: str) -> str | None:
    """The origin that may go on."""
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    response = http.options(url, headers=headers)
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["vary"] == "Origin"
    allowed: str | None = response.headers.get("access-control-allow-origin")
    if allowed is not None:
        assert "Authorization" in response.headers["access-control-allow-headers"]
        assert "POST" in response.headers["access-control-allow-methods"]
        assert int(response.headers["access-control-max-age"]) <= 600
    return allowed


@pytest.mark.parametrize("url", READ_BY_APPS)
@pytest.mark.usefixtures("rp")
def test_a_preflight_is_answered_for_the_pages_of_any_client(
    http: WatchedClient, other: RelyingParty, url: str
) -> None:
    """The Fetch standard's CORS protocol: a preflight names no client."""
    assert preflight(http, url, APP) == APP
    assert preflight(http, url, OTHER) == OTHER
    for stranger in STRANGERS:
        if stranger != OTHER:
            assert preflight(http, url, stranger) is None


@pytest.mark.parametrize("origin", ["", "\u00e4", "https://" + "x" * 5000, "' OR 1=1 --", "https://[", "%00"])
def test_no_origin_crashes_a_preflight(http: WatchedClient, origin: str) -> None:
    """A-130."""
    headers = {b"origin": origin.encode("latin-1"), b"access-control-request-method": b"POST"}
    assert "access-control-allow-origin" not in http.options(TOKEN, headers=headers).headers


@pytest.mark.both_databases
def test_a_disabled_or_deleted_client_has_no_pages(register: Register, http: WatchedClient, work: Work) -> None:
    """A-26."""
    rp = register(public=True)
    with work() as w:
        clients.disable(w, rp.client_id)
    assert preflight(http, TOKEN, APP) is None
    with work() as w:
        clients.enable(w, rp.client_id)
    assert preflight(http, TOKEN, APP) == APP
    with work() as w:
        clients.delete_client(w, rp.client_id)
    assert preflight(http, TOKEN, APP) is None


# Everything else


def test_no_other_route_is_open_to_pages_of_other_sites(
    app: Starlette, register: Register, http: WatchedClient
) -> None:
    """A-100, RFC 9700 section 2.6: no CORS headers where people sign in, whoever asks; credentials nowhere."""
    register(public=True)
    methods: dict[str, set[str]] = {}
    for route in app.routes:
        assert isinstance(route, Route)
        methods.setdefault(route.path.replace("{name}", "signet.css"), {"OPTIONS"}).update(route.methods or ())
    for path in methods.keys() - {*READ_BY_ALL, *READ_BY_APPS}:
        for origin in (APP, "null"):
            asked = {"origin": origin, "access-control-request-method": "POST"}
            typed = {"origin": origin, "accept": "text/html"}
            for method in sorted(methods[path]):
                response = http.request(method, path, headers=asked if method == "OPTIONS" else typed)
                assert not [name for name in response.headers if name.startswith("access-control-")], (method, path)


def test_introspection_is_for_servers(rp: RelyingParty) -> None:
    """A-100: a page has no business with other tokens."""
    headers, body = rp.authentication()
    response = rp.http.post(INTROSPECT, data={**body, "token": "x"}, headers={**headers, "origin": APP})
    assert "access-control-allow-origin" not in response.headers
