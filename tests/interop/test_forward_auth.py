"""Forward authentication with real proxies, by the configuration we ship: nginx, Caddy, and an installed Traefik.

Each stands in front of a site that says what it received. The attacks on the answers are in `tests/oauth/forward_auth`.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from provider.accounts.store import email_addresses
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata_rules import parse_metadata
from provider.oauth.clients.protected_sites.sites import OF_NEW_CLIENT
from provider.work import unit_of_work
from tests.interop.conftest import EMAIL, serve
from tests.support.nginx import nginx
from tests.support.relying_party import sign_in_person
from tests.support.server_process import REPOSITORY, free_port
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

SHIPPED = REPOSITORY / "deploy/forward-auth"
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

Proxy = Callable[[Path, int, int, int], AbstractContextManager[None]]
"""`proxy(folder, port, signet, site)`: a proxy at this port, with Signet and the site at theirs."""


class Site(BaseHTTPRequestHandler):
    """A site that says what it received. After an upgrade it sends back what it gets."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.headers.get("upgrade") == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.connection.recv(100))
            self.close_connection = True
            return
        length = int(self.headers.get("content-length") or 0)
        received = {
            "method": self.command,
            "uri": self.path,
            "body": self.rfile.read(length).decode(),
            "rewritten": [name for name in self.headers if _as_cgi(name) in {"X_ORIGINAL_URL", "X_REWRITE_URL"}],
            "hosts": sorted({self.headers["host"], self.headers["x-forwarded-host"]}),
            "remote": sorted(
                [name.lower(), value] for name, value in self.headers.items() if name.lower().startswith("remote")
            ),
        }
        body = json.dumps(received).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  # as the base class names them

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _as_cgi(name: str) -> str:
    """Return the name as CGI, WSGI and PHP read it: each of `-`, `_`, `.` and `~` is the same to them."""
    return re.sub("[^A-Z0-9]", "_", name.upper())


@contextmanager
def site_at(port: int) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", port), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stand_in(name: str, stand_ins: dict[str, str]) -> str:
    text = (SHIPPED / name).read_text()
    for there, here in stand_ins.items():
        assert there in text, there
        text = text.replace(there, here)
    return text


@contextmanager
def with_nginx(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    included = folder / "signet-forward-auth.conf"
    included.write_text(stand_in(included.name, {"Host id.example.com;": f"Host 127.0.0.1:{signet};"}))
    conf = stand_in(
        "nginx.conf",
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port};",
            "server_name wiki.example.com;": "",
            "$signet_site wiki.example.com;": f"$signet_site 127.0.0.1:{port};",
            "ssl_certificate /etc/ssl/wiki.example.com/fullchain.pem;": "",
            "ssl_certificate_key /etc/ssl/wiki.example.com/privkey.pem;": "",
            "/etc/nginx/signet-forward-auth.conf": str(included),
            "127.0.0.1:8000": f"127.0.0.1:{signet}",
            "127.0.0.1:3000": f"127.0.0.1:{site}",
        },
    )
    with nginx(folder, port=port, signet_conf=conf):
        yield


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    home = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with (folder / "proxy.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | home, text=True)
    try:
        wait_until(lambda: _listens(port), of=process, what=f"{command[0]} does not listen")
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


@contextmanager
def with_caddy(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    caddy = shutil.which("caddy") or unavailable("Caddy", "no caddy on PATH")
    text = stand_in(
        "Caddyfile",
        {
            "wiki.example.com {": f"http://127.0.0.1:{port} {{\n\tbind 127.0.0.1",
            "Host wiki.example.com": f"Host 127.0.0.1:{port}",
            "id.example.com": f"127.0.0.1:{signet}",
            "127.0.0.1:8000": f"127.0.0.1:{signet}",
            "127.0.0.1:3000": f"127.0.0.1:{site}",
        },
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    with _running([caddy, "run", "--config", str(folder / "Caddyfile")], folder, port):
        yield


@contextmanager
def with_traefik(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    traefik = shutil.which("traefik") or pytest.skip("no traefik on PATH")
    text = stand_in(
        "traefik.yml",
        {
            "      tls: {}\n": "",
            '"wiki.example.com"': f'"127.0.0.1:{port}"',
            "Host(`wiki.example.com`)": "Host(`127.0.0.1`)",
            "127.0.0.1:8000": f"127.0.0.1:{signet}",
            "127.0.0.1:3000": f"127.0.0.1:{site}",
        },
    )
    (folder / "dynamic.yml").write_text(text)
    static = {
        "entryPoints": {"websecure": {"address": f"127.0.0.1:{port}"}},
        "providers": {"file": {"filename": str(folder / "dynamic.yml")}},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
    }
    (folder / "static.yml").write_text(json.dumps(static))  # JSON is YAML
    with _running([traefik, f"--configFile={folder / 'static.yml'}"], folder, port):
        wait_until(lambda: httpx2.get(f"http://127.0.0.1:{port}/").status_code != 404, what="no router")
        yield


NIGHTLY = [pytest.mark.slow, pytest.mark.nightly]


@pytest.mark.parametrize(
    "proxy",
    [with_nginx, pytest.param(with_caddy, marks=NIGHTLY), pytest.param(with_traefik, marks=NIGHTLY)],
    ids=["nginx", "caddy", "traefik"],
)
def test_a_proxy_protects_a_site(proxy: Proxy, sqlite_template: Path, tmp_path: Path) -> None:
    """N-548: sign-in, headers that no client can set, POST, WebSockets, a path without sign-in, signing out, an outage.

    And another site, which is public, named in the request.
    """
    port, signet, site = free_port(), free_port(), free_port()
    origin, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{signet}"
    with ExitStack() as stack, ExitStack() as of_signet:
        stack.enter_context(site_at(site))
        served = of_signet.enter_context(
            serve(tmp_path, sqlite_template, issuer=issuer, port=signet, SIGNET_TRUSTED_PROXIES="127.0.0.1")
        )
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
