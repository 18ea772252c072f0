"""Cookies: opaque, HttpOnly, same-site, and bound to the host when it is https."""

from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.web import cookies
from provider.web.call import Call
from provider.web.endpoint import endpoint
from tests.support.installation import settings_for
from tests.web.conftest import Mount


def show(call: Call) -> Response:
    return PlainTextResponse(f"{call.browser} {call.cookie(cookies.BROWSER)}")


def test_over_https_the_browser_enforces_host_and_path(mount: Mount, client: TestClient) -> None:
    mount("/test/cookie", endpoint(show))
    cookie = client.get("/test/cookie").headers["set-cookie"]
    assert cookie.startswith("__Host-signet-browser=")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_cookie_is_set_once_and_seen_at_once(mount: Mount, client: TestClient) -> None:
    mount("/test/cookie", endpoint(show))
    made, seen = client.get("/test/cookie").text.split()
    again = client.get("/test/cookie")
    assert made == seen == again.text.split()[0]
    assert "set-cookie" not in again.headers


def test_a_cookie_not_of_our_making_is_as_if_absent(mount: Mount, client: TestClient) -> None:
    mount("/test/cookie", endpoint(show))
    client.cookies.set("__Host-signet-browser", "x" * 200)
    assert client.get("/test/cookie").text.split()[0] != "x" * 200


def test_on_loopback_without_tls_the_names_are_plain(database_url: str) -> None:
    settings: Settings = settings_for(database_url, issuer="http://localhost:8000")
    assert cookies.cookie_name(settings, cookies.SESSION) == "signet"
