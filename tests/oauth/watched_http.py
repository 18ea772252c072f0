"""An HTTP client that checks after every answer what must always hold: the invariants of the negative cases."""

from typing import Any
from urllib.parse import urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.web import cookies
from provider.web.csrf import csrf_token

NEVER_SHOWN = ("Traceback", "sqlalchemy", "psycopg", "sqlite3", "SELECT ", 'File "', "site-packages")
MACHINE = (
    *("/oauth2/token", "/oauth2/userinfo", "/oauth2/introspect", "/oauth2/revoke"),
    *("/oauth2/par", "/oauth2/device_authorization", "/oauth2/bc-authorize", "/oauth2/register"),
)
PAGES = (
    "/oauth2/authorize",
    "/oauth2/logout",
    "/oauth2/logout/done",
    "/consent",
    "/access-denied",
    "/device",
    "/approve",
    "/select-account",
)
READ_BY_APPS = ("/oauth2/par", "/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke", "/oauth2/device_authorization")
READ_BY_ALL = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/passkey-endpoints",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/oauth2/userinfo",
    "/.well-known/oauth-protected-resource/api/account",
    "/.well-known/oauth-protected-resource/api/admin",
    "/.well-known/oauth-protected-resource/scim/v2",
    "/.well-known/oauth-protected-resource/ssf",
    "/.well-known/ssf-configuration",
    "/oauth2/jwks",
    "/oauth2/register",
    "/api/account/openapi.json",
    "/api/admin/openapi.json",
)
OUTAGE = 503


class WatchedClient(TestClient):
    """Fails the test at the answer that breaks an invariant. `outage` is set by tests that take the database away."""

    def __init__(self, app: Starlette, issuer: str) -> None:
        super().__init__(app, base_url=issuer, follow_redirects=False)
        self.issuer = issuer
        self.outage = False
        self.may_go_to: set[str] = set()
        """Hosts of registered redirect URIs."""

    def come_from(self, address: str) -> None:
        """Send requests from this address from now on."""
        self._transport.client = (address, 50000)  # type: ignore[attr-defined]

    def request(self, method: str, url: Any, **options: Any) -> httpx2.Response:
        response = super().request(method, url, **options)
        self._check(response)
        return response

    def _check(self, response: httpx2.Response) -> None:
        path, status, headers = urlsplit(str(response.url)).path, response.status_code, response.headers
        if path.startswith("/oauth2/register/"):
            path = "/oauth2/register"  # of one client
        assert status < 500 or (self.outage and status == OUTAGE), f"{status} {path}: {response.text[:300]}"
        shown = response.text + str(headers)
        leaks = [word for word in NEVER_SHOWN if word in shown]
        assert not leaks, f"{path} shows {leaks}: {shown[:500]}"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        if path in MACHINE + PAGES and status not in {404, 405, 421}:
            assert headers["cache-control"] == "no-store", f"{path} may be cached"
        assert "access-control-allow-credentials" not in headers
        if path not in READ_BY_ALL:
            allowed = headers.get("access-control-allow-origin")
            assert allowed is None or path in READ_BY_APPS, f"{path} may be read by {allowed}"
            assert allowed in {None, response.request.headers.get("origin")}
        if path in MACHINE:
            assert "set-cookie" not in headers
            assert "location" not in headers
            if status >= 400 and status != 421:
                assert headers["content-type"].startswith("application/json")
        if headers.get("content-type", "").startswith("text/html"):
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-frame-options"] == "DENY"
        if 300 <= status < 400 and status != 304:
            assert status in {302, 303}
            target = urlsplit(headers["location"])
            assert not target.netloc or target.netloc in self.may_go_to, f"sent to {headers['location']}"


def csrf_of(browser: TestClient) -> str:
    """The token that the provider's pages hold for this browser."""
    installation = browser.app.state.installation  # type: ignore[attr-defined]
    names = [cookies.cookie_name(installation.settings, name) for name in (cookies.SESSION, cookies.BROWSER)]
    value = next(found for name in names if (found := browser.cookies.get(name)))
    return csrf_token(installation.vault, value)
