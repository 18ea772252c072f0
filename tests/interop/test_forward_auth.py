"""Forward authentication with real proxies, by the configuration we ship: nginx, Caddy, Traefik and Envoy.

Each stands in front of a site that says what it received. The attacks on the answers are in `tests/oauth/forward_auth`.
"""

import re
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from provider.accounts.store import email_addresses
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT
from provider.work import unit_of_work
from tests.interop.conftest import EMAIL, serve
from tests.support.relying_party import sign_in_person
from tests.support.server_process import free_port
from tests.support.site_proxies import Proxy, site_at, with_caddy, with_envoy, with_nginx, with_traefik
from tests.support.waiting import PATIENCE

PAGE = {"accept": "text/html"}
ELSEWHERE = "203.0.113.66"
FORGED = {
    "Remote-User": "root",
    "Remote_User": "root",
    "Remote.User": "root",
    "Remote-Groups": "admins",
    "remote~groups": "admins",
    "X-Forwarded-Host": "public.example.test",
    "X-Forwarded-Uri": "/health",
    "X-Forwarded-Method": "OPTIONS",
    "X-Forwarded-For": ELSEWHERE,
    "X.Forwarded.For": ELSEWHERE,
    "X-Real-IP": ELSEWHERE,
    "Forwarded": f"for={ELSEWHERE};host=public.example.test",
    "X-Original-URL": "/health",
    "X-Rewrite-URL": "/health",
    "X_Original_URL": "/health",
    "X~Rewrite_URL": "/health",
}
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")
SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "proxy",
    [with_nginx, *(pytest.param(each, marks=SLOW) for each in (with_caddy, with_traefik, with_envoy))],
    ids=["nginx", "caddy", "traefik", "envoy"],
)
def test_a_proxy_protects_a_site(proxy: Proxy, sqlite_template: Path, tmp_path: Path) -> None:
    """N-548: sign-in, headers that no client can set, POST, WebSockets, a path without sign-in, signing out, an outage.

    And another site, which is public, named in the request; other upgrades than WebSockets; HTTP/2.
    """
    port, signet, site = free_port(), free_port(), free_port()
    origin, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{signet}"
    with ExitStack() as stack, ExitStack() as of_signet:
        stack.enter_context(site_at(site))
        settings = {"SIGNET_TRUSTED_PROXIES": "127.0.0.1", "SIGNET_ALLOWED_HOSTS": "127.0.0.1"}
        served = of_signet.enter_context(serve(tmp_path, sqlite_template, issuer=issuer, port=signet, **settings))
        with unit_of_work(served.installation) as work:
            rules = {"/health": {"bypass": True}, "/admin": {"allowed_groups": ["admins"]}}
            sites = {"client_name": "Wiki", "protected_sites": [origin], "protected_paths": rules}
            create_client(work, parse_metadata(dict(OF_NEW_CLIENT) | sites))
            others = [f"http://localhost:{port}", "http://127.0.0.1:81"]
            public = {"client_name": "Public", "protected_sites": others, "protected_paths": {"/": {"bypass": True}}}
            other, _ = create_client(work, parse_metadata(dict(OF_NEW_CLIENT) | public))
            owner = email_addresses.find_owner(work.read, EMAIL)
            assert owner is not None
            user_id = owner[0].id
        stack.enter_context(proxy(tmp_path, port, signet, site))
        browser = stack.enter_context(httpx2.Client(base_url=origin, timeout=PATIENCE))

        first = browser.get("/page?q=1", headers=PAGE)
        assert (first.status_code, first.headers["location"].split("?")[0]) == (302, f"{issuer}/oauth2/authorize")
        assert browser.post("/save", content="x", headers=PAGE | FORGED).status_code == 401
        assert browser.get("/page", headers=PAGE | FORGED).status_code == 302
        assert handshake(port, "/socket").startswith(b"HTTP/1.1 401")
        for upgrade in ("h2c", "foo, websocket"):
            assert not handshake(port, "/health", upgrade=upgrade).startswith(b"HTTP/1.1 101"), upgrade
        bypassed = browser.get("/health", headers=FORGED)
        assert about_user(bypassed) == []
        assert not {"X_ORIGINAL_URL", "X_REWRITE_URL"} & {as_cgi(name) for name, _ in bypassed.json()["headers"]}
        assert ELSEWHERE not in bypassed.text
        hosts = [value for name, value in bypassed.json()["headers"] if name.lower() in {"host", "x-forwarded-host"}]
        assert hosts == [f"127.0.0.1:{port}"] * 2
        assert b'"127.0.0.1:81"' not in raw(port, "GET /health HTTP/1.1", "Host: 127.0.0.1:81")
        assert other.client_id.encode() not in raw(port, "GET /.signet/sign-out HTTP/1.1", "Host: 127.0.0.1:81")
        for target, host in (
            *(("/page", f"localhost:{port}"), ("/page", "127.0.0.1:81"), (f"{origin}/page", f"localhost:{port}")),
            *((f"http://localhost:{port}/page", f"127.0.0.1:{port}"), (f"{origin}/page", "127.0.0.1:81")),
        ):
            assert b'"uri"' not in raw(port, f"GET {target} HTTP/1.1", f"Host: {host}"), (target, host)

        sign_in_person(browser, served.installation, user_id)
        page = browser.get("/page?q=1", headers=PAGE, follow_redirects=True)
        assert (page.url.path, page.json()["uri"]) == ("/page", "/page?q=1")
        told = [("remote-email", EMAIL), ("remote-name", "Ada Lovelace"), ("remote-user", user_id)]
        posted = browser.post("/save", content="a body" * 300_000, headers=PAGE | FORGED)
        assert (posted.json()["method"], posted.json()["length"]) == ("POST", 1_800_000)
        assert about_user(posted) == told
        assert browser.request("PROPFIND", "/page").json()["method"] == "PROPFIND"
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar if one.name == "signet-site")
        answer = handshake(port, "/socket", f"Cookie: {cookie}")
        assert answer.startswith(b"HTTP/1.1 101")
        assert answer.endswith(b"ping over the socket")
        here = ("GET /page HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}")
        answer = raw(port, *here, "Connection: close, Remote-User, X-Forwarded-For")
        assert answer.startswith(b"HTTP/1.1 400") or user_id.encode() in answer
        if proxy in OVER_HTTP2:
            check_http2(port, cookie, user_id)

        denied = browser.get("/admin", headers=PAGE)
        assert (denied.status_code, "Error ID: " in denied.text) == (403, True)
        gone = browser.get("/.signet/sign-out", headers=PAGE)
        assert gone.headers["location"].startswith(f"{issuer}/oauth2/logout?client_id=")
        assert browser.get("/page", headers={"accept": "*/*"}).status_code == 401
        of_signet.close()
        away = browser.get("/page", headers=PAGE)
        assert away.status_code >= 500
        assert "uri" not in away.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("proxy", "changes"),
    [
        (with_caddy, {"# stream_timeout 1h": "stream_timeout 500ms"}),
        (with_envoy, {"max_stream_duration: 3600s": "max_stream_duration: 0.5s"}),
    ],
    ids=["caddy", "envoy"],
)
def test_a_websocket_is_closed_after_a_time(proxy: Any, changes: dict[str, str], tmp_path: Path) -> None:
    """N-558, as access may have ended meanwhile. Another site that allows everything stands in for Signet."""
    port, signet, site = free_port(), free_port(), free_port()
    with site_at(signet), site_at(site), proxy(tmp_path, port, signet, site, changes), connected(port) as peer:
        send(peer, "GET /socket HTTP/1.1", f"Host: 127.0.0.1:{port}", *UPGRADE)
        assert peer.recv(4096).startswith(b"HTTP/1.1 101")
        assert peer.recv(1) == b""


def as_cgi(name: str) -> str:
    """Return the name as CGI, WSGI and PHP read it: each of `-`, `_`, `.` and `~` is the same to them."""
    return re.sub("[^A-Z0-9]", "_", name.upper())


def about_user(answer: httpx2.Response) -> list[tuple[str, str]]:
    """Return the headers with a value that the site would read as one of those about the user."""
    received = answer.json()["headers"]
    return sorted((name.lower(), value) for name, value in received if as_cgi(name).startswith("REMOTE_") and value)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def send(peer: socket.socket, *lines: str) -> None:
    peer.sendall("\r\n".join((*lines, "", "")).encode())


def raw(port: int, *lines: str) -> bytes:
    """Send a request as it is, and return the answer."""
    if not any(line.startswith("Connection:") for line in lines):
        lines = (*lines, "Connection: close")
    with connected(port) as peer:
        send(peer, *lines)
        return b"".join(iter(lambda: peer.recv(4096), b""))


def handshake(port: int, path: str, *lines: str, upgrade: str = "websocket") -> bytes:
    """Ask for a WebSocket, or for another protocol, and send a few bytes; return everything that comes back."""
    with connected(port) as peer:
        asked = (line.replace("websocket", upgrade) for line in UPGRADE)
        send(peer, f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *asked, *lines)
        found = peer.recv(4096)
        if found.startswith(b"HTTP/1.1 101"):
            peer.sendall(b"ping over the socket")
            while not found.endswith(b"socket") and (more := peer.recv(4096)):
                found += more
        return found


OVER_HTTP2 = (with_traefik, with_envoy)
"""Those that speak HTTP/2 without TLS, in which the test connects to them."""


def check_http2(port: int, cookie: str, user_id: str) -> None:
    """Cookies arrive in pieces (RFC 9113 section 8.2.3), and headers may contain what ends a line of HTTP/1.1."""
    authority = (":authority", f"127.0.0.1:{port}")
    pieces = [("cookie", "a=b"), ("cookie", cookie)]
    status, body = over_http2(port, authority, *pieces, ("remote_user", "root"), ("x-forwarded-host", "public.test"))
    assert (status, user_id in body, "root" in body, "public.test" in body) == (b"200", True, False, False)
    assert over_http2(port, authority, ("sec-fetch-mode", "cors"))[0] == b"401"
    for forged in (("x", "a\r\nremote-user: root"), ("x: a\r\nremote-user", "root"), ("remote-user ", "root")):
        assert '"uri"' not in over_http2(port, authority, *pieces, forged)[1], forged
    for odd in ("/health HTTP/1.1\r\nHost: x\r\n\r\nGET /admin", "health"):
        assert '"uri"' not in over_http2(port, authority, *pieces, path=odd)[1], odd
    other = (":authority", f"localhost:{port}")
    assert '"uri"' not in over_http2(port, other, *pieces, ("host", authority[1]))[1]


def over_http2(port: int, *headers: tuple[str, str], path: str = "/page") -> tuple[bytes | None, str]:
    """Send these headers as they are, and return the status and the body; neither if the request is not answered."""
    config = H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding=None)
    connection, status, body = H2Connection(config), None, b""
    connection.initiate_connection()
    connection.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":path", path), *headers], end_stream=True)
    with connected(port) as peer:
        peer.sendall(connection.data_to_send())
        while received := peer.recv(65536):
            for event in connection.receive_data(received):
                if isinstance(event, ResponseReceived):
                    status = dict(event.headers)[b":status"]
                elif isinstance(event, DataReceived):
                    body += event.data
                elif isinstance(event, StreamReset | StreamEnded | ConnectionTerminated):
                    return status, body.decode()
            peer.sendall(connection.data_to_send())
    return status, body.decode()
