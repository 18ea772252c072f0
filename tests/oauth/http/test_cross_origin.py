"""Which pages of other sites may read which answers (A-100)."""

import re
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from provider.oauth.clients import clients
from provider.oauth.clients.metadata import InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.web.routing import flattened
from tests.oauth.conftest import Register
from tests.oauth.watched_http import READ_BY_ALL, READ_BY_APPS, WatchedClient
from tests.support.cases import in_one_world
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


def test_a_page_of_anybody_else_reads_nothing(rp: RelyingParty, other: RelyingParty, browser: WatchedClient) -> None:
    """A-100: also when it is a page of another client, and when the client has proven who it is."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    for origin in STRANGERS:
        assert from_page(rp, origin, TOKEN, grant_type="refresh_token", refresh_token="x")[0] is None, origin
        assert read_userinfo(rp, origin, tokens.access_token) == (None, 200), origin
        assert from_page(rp, origin, REVOKE, token="x")[0] is None, origin
        assert from_page(rp, origin, PAR, **rp.request()[0])[0] is None, origin
    assert from_page(rp, OTHER, REVOKE, token=tokens.access_token)[0] is None
    assert other.client_id


def test_an_unauthenticated_client_gets_no_cors_headers(register: Register) -> None:
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


def test_a_removed_redirect_uri_removes_its_origin(register: Register, http: WatchedClient, work: Work) -> None:
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


@in_one_world("url", READ_BY_APPS)
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


def test_no_origin_crashes_a_preflight(http: WatchedClient) -> None:
    """A-130."""
    for origin in ("", "\u00e4", "https://" + "x" * 5000, "' OR 1=1 --", "https://[", "%00"):
        headers = {b"origin": origin.encode("latin-1"), b"access-control-request-method": b"POST"}
        assert "access-control-allow-origin" not in http.options(TOKEN, headers=headers).headers, origin


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


@pytest.mark.slow
def test_no_other_route_is_open_to_pages_of_other_sites(
    app: Starlette, register: Register, http: WatchedClient
) -> None:
    """A-100, RFC 9700 section 2.6: no CORS headers where people sign in, whoever asks; credentials nowhere."""
    register(public=True)
    methods: dict[str, set[str]] = {}
    for route in flattened(app.routes):
        assert isinstance(route, Route)
        methods.setdefault(route.path.replace("{name}", "signet.css"), {"OPTIONS"}).update(route.methods or ())
    assert "/login" in methods
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


# What front ends send

SENT = (
    *("x-requested-with", "sentry-trace", "baggage", "traceparent", "tracestate", "auth0-client", "x-amz-user-agent"),
    *("mcp-protocol-version", "cache-control", "x-datadog-trace-id", "content-type", "authorization"),
)
"""The names of headers that common SDKs and tracing libraries add to requests of a page."""


def allowed_headers(http: WatchedClient, url: str, origin: str, asked: str, method: str = "POST") -> list[str] | None:
    headers = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": asked}
    answer = http.options(url, headers=headers)
    assert answer.status_code == 204
    allowed: str | None = answer.headers.get("access-control-allow-headers")
    return None if allowed is None else allowed.lower().split(", ")


@in_one_world("url", READ_BY_APPS)
def test_headers_that_front_ends_add_pass_a_preflight_of_a_known_origin(
    register: Register, http: WatchedClient, url: str
) -> None:
    """The Fetch standard, CORS-preflight fetch: a header that is not allowed fails the whole request."""
    register(public=True)
    allowed = allowed_headers(http, url, APP, ",".join(SENT))
    assert allowed is not None
    assert set(SENT) <= set(allowed)
    assert len(allowed) == len(set(allowed))
    assert allowed_headers(http, url, "https://evil.test", ",".join(SENT)) is None


def test_what_is_no_header_name_is_not_echoed(register: Register, http: WatchedClient) -> None:
    """A-130."""
    register(public=True)
    asked = "x y, x:y, <b>, , x-good,\x7f"
    assert allowed_headers(http, TOKEN, APP, asked) == ["authorization", "content-type", "dpop", "x-good"]


@pytest.mark.parametrize("url", [url for url in READ_BY_ALL if not url.endswith(("/register", "/passkey-endpoints"))])
def test_any_page_may_ask_for_metadata_and_keys_with_headers_of_its_own(http: WatchedClient, url: str) -> None:
    """RFC 8414, RFC 9728: MCP clients add `mcp-protocol-version`, which makes a browser ask first."""
    for origin in ("https://anywhere.test", "null", "capacitor://localhost"):
        allowed = allowed_headers(http, url, origin, "mcp-protocol-version", "GET")
        assert allowed is not None, origin
        assert "mcp-protocol-version" in allowed
        answer = http.get(url, headers={"origin": origin, "mcp-protocol-version": "2025-06-18"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*"), origin


@pytest.mark.parametrize(
    ("origin", "sent"),
    [
        ("capacitor://localhost", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("Tauri://Localhost/", "tauri://localhost"),
        ("http://tauri.localhost", "http://tauri.localhost"),
        ("https://WWW.app.test:443/", "https://www.app.test"),
        ("app://notes.test", "app://notes.test"),
        ("chrome-extension://ABCdef", "chrome-extension://ABCdef"),
        ("http://127.0.0.1:5173", "http://127.0.0.1:5173"),
    ],
)
def test_a_page_at_an_allowed_origin_reads_responses_to_its_client(
    register: Register, http: WatchedClient, origin: str, sent: str
) -> None:
    """A web view has an origin of its own beside the redirect URIs of its app."""
    metadata = parse_metadata({"redirect_uris": [f"{APP}/cb"], "allowed_origins": [origin]})
    rp = register(public=True, allowed_origins=metadata.allowed_origins)
    assert preflight(http, TOKEN, sent) == sent
    assert from_page(rp, sent, TOKEN, grant_type="x")[0] == sent
    assert from_page(rp, APP, TOKEN, grant_type="x")[0] == APP
    assert preflight(http, TOKEN, f"{sent}x") is None


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "*", "https://*.app.test", "app.test", "file://", "file://x", "data:,x", "javascript://x"),
        *("https://app.test/path", "https://app.test?x", "https://app.test#", "https://me@app.test"),
        *("http://app.test", "https://app.test:99999", "https://", "capacitor:", "https://a\\b"),
    ],
)
def test_invalid_origins_cannot_be_allowed(origin: str) -> None:
    with pytest.raises(InvalidMetadata, match="allowed_origins"):
        parse_metadata({"redirect_uris": [f"{APP}/cb"], "allowed_origins": [origin]})


def test_allowed_origins_do_not_widen_front_channel_logout() -> None:
    """Front-Channel Logout section 2: the URI is at the origin of a redirect URI."""
    given = {"redirect_uris": [f"{APP}/cb"], "allowed_origins": [OTHER], "frontchannel_logout_uri": f"{OTHER}/out"}
    with pytest.raises(InvalidMetadata, match="frontchannel_logout_uri"):
        parse_metadata(given)


# Which methods there are


@pytest.mark.slow
def test_a_405_names_every_method_of_its_path_and_no_other(app: Starlette, http: WatchedClient) -> None:
    """RFC 9110 sections 9.3.7, 10.2.1 and 15.5.6, for every route: what `Allow` names is not answered with 405."""
    values = {"name": "signet.css", "format": "csv"}
    routes = list(flattened(app.routes))
    assert routes
    for route in routes:
        assert isinstance(route, Route)
        path = re.sub(r"{(\w+)(:\w+)?}", lambda found: values.get(found[1], "x"), route.path)
        if path.startswith("/oauth2/register/"):
            continue  # only there where apps may register themselves
        if path.startswith("/forward-auth/"):
            continue  # any method of a request to a site
        answer = http.request("PROPFIND", path)
        assert answer.status_code == 405, path
        allowed = answer.headers["allow"].split(", ")
        assert allowed == sorted(set(allowed))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = http.request(method, path)
            if method in {"GET", "HEAD"} and answer.status_code == 303:
                continue  # the address of a form leads to the page with the form
            assert (answer.status_code != 405) == (method in allowed), (method, path)
            if answer.status_code == 405 or method == "OPTIONS":
                assert answer.headers["allow"].split(", ") == allowed
