"""Forward authentication with real proxies, by the configuration we ship: nginx, Caddy, and an installed Traefik.

Each stands in front of a site that says what it received. The attacks on the answers are in `tests/oauth/forward_auth`.
"""

import socket
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

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
FORGED = {
    "Remote-User": "root",
    "Remote_User": "root",
    "Remote.User": "root",
    "Remote-Groups": "admins",
    "remote~groups": "admins",
    "X-Forwarded-Host": "public.example.test",
    "X-Forwarded-Uri": "/health",
    "X-Forwarded-Method": "OPTIONS",
    "X-Original-URL": "/health",
    "X-Rewrite-URL": "/health",
    "X_Original_URL": "/health",
    "X~Rewrite_URL": "/health",
}

SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "proxy",
    [with_nginx, *(pytest.param(each, marks=SLOW) for each in (with_caddy, with_traefik, with_envoy))],
    ids=["nginx", "caddy", "traefik", "envoy"],
)
def test_a_proxy_protects_a_site(proxy: Proxy, sqlite_template: Path, tmp_path: Path) -> None:
    """N-548: sign-in, headers that no client can set, POST, WebSockets, a path without sign-in, signing out, an outage.

    And another site, which is public, named in the request.
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
        assert handshake(port, "").startswith(b"HTTP/1.1 401")
        public = browser.get("/health", headers=FORGED).json()
        assert [pair for pair in public["remote"] if pair[1]] == []
        assert (public["rewritten"], public["hosts"]) == ([], [f"127.0.0.1:{port}"])
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
        told = {
            "remote-user": user_id,
            "remote-name": "Ada Lovelace",
            "remote-email": EMAIL,
        }
        posted = browser.post("/save", content="a body" * 1000, headers=PAGE | FORGED).json()
        assert (posted["method"], posted["body"]) == ("POST", "a body" * 1000)
        assert {name: value for name, value in posted["remote"] if value} == told
        assert len([pair for pair in posted["remote"] if pair[1]]) == len(told)
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar if one.name == "signet-site")
        answer = handshake(port, cookie)
        assert answer.startswith(b"HTTP/1.1 101")
        assert answer.endswith(b"ping over the socket")

        denied = browser.get("/admin", headers=PAGE)
        assert (denied.status_code, "Error ID: " in denied.text) == (403, True)
        gone = browser.get("/.signet/sign-out", headers=PAGE)
        assert gone.headers["location"].startswith(f"{issuer}/oauth2/logout?client_id=")
        assert browser.get("/page", headers={"accept": "*/*"}).status_code == 401
        of_signet.close()
        away = browser.get("/page", headers=PAGE)
        assert away.status_code >= 500
        assert "uri" not in away.text


def raw(port: int, *lines: str) -> bytes:
    """Send a request as it is, and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
        peer.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode())
        return b"".join(iter(lambda: peer.recv(4096), b""))


def handshake(port: int, cookie: str) -> bytes:
    """Ask for a WebSocket and send a few bytes; return everything that comes back."""
    lines = [
        *("GET /socket HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade", "Upgrade: websocket"),
        *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Cookie: {cookie}", "", ""),
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
        peer.sendall("\r\n".join(lines).encode())
        found = peer.recv(4096)
        if found.startswith(b"HTTP/1.1 101"):
            peer.sendall(b"ping over the socket")
            while not found.endswith(b"socket") and (more := peer.recv(4096)):
                found += more
        return found
