"""Reverse proxies in front of a protected site, with the files of `deploy/forward-auth`, and the site itself."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.nginx import nginx
from tests.support.server_process import REPOSITORY
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

SHIPPED = REPOSITORY / "deploy/forward-auth"

Proxy = Callable[[Path, int, int, int], AbstractContextManager[None]]
"""`proxy(folder, port, signet, site)`: a proxy at this port, with Signet and the site at theirs."""


class Site(BaseHTTPRequestHandler):
    """A site that says what it received. After any upgrade, it sends back what it gets.

    It can also stand in for a Signet that allows every request.
    """

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        upgrade = self.headers.get("upgrade")
        if upgrade and not self.path.startswith("/forward-auth"):
            self.send_response(101)
            self.send_header("Upgrade", upgrade)
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            while data := self.connection.recv(100):
                self.wfile.write(data)
            self.close_connection = True
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        received = {"method": self.command, "uri": self.path, "length": len(body), "headers": self.headers.items()}
        text = json.dumps(received).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PROPFIND = _answer  # noqa: N815  # as the base class names them

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


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


def stand_in(name: str, stand_ins: Mapping[str, str]) -> str:
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


def _program(name: str) -> str:
    """Return the path of a proxy: beside this Python, where the extra `proxies` installs it, or on PATH.

    Skips the test, loudly, if there is none.
    """
    installed = Path(sys.executable).parent / name
    return str(installed) if installed.exists() else shutil.which(name) or unavailable(name, "see the extra `proxies`")


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
def with_caddy(folder: Path, port: int, signet: int, site: int, changes: Mapping[str, str] = {}) -> Iterator[None]:
    text = stand_in(
        "Caddyfile",
        {
            "wiki.example.com {": f"http://127.0.0.1:{port} {{\n\tbind 127.0.0.1",
            "Host wiki.example.com": f"Host 127.0.0.1:{port}",
            "id.example.com": f"127.0.0.1:{signet}",
            "127.0.0.1:8000": f"127.0.0.1:{signet}",
            "127.0.0.1:3000": f"127.0.0.1:{site}",
            **changes,
        },
    )
    with caddy_with(folder, port, text):
        yield


@contextmanager
def caddy_with(folder: Path, port: int, text: str) -> Iterator[None]:
    """Run Caddy with this Caddyfile, which listens at the port in plain http."""
    caddy = _program("caddy")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    with _running([caddy, "run", "--config", str(folder / "Caddyfile")], folder, port):
        yield


@contextmanager
def with_traefik(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    traefik = _program("traefik")
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


@contextmanager
def with_envoy(folder: Path, port: int, signet: int, site: int, changes: Mapping[str, str] = {}) -> Iterator[None]:
    envoy = _program("envoy")
    text = stand_in(
        "envoy.yaml",
        {
            "address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {port}",
            '["wiki.example.com"]': f'["127.0.0.1:{port}"]',
            'value: "wiki.example.com"': f'value: "127.0.0.1:{port}"',
            "host_rewrite_literal: id.example.com": f"host_rewrite_literal: 127.0.0.1:{signet}",
            "port_value: 8000": f"port_value: {signet}",
            "port_value: 3000": f"port_value: {site}",
            **changes,
        },
    )
    configuration = yaml.safe_load(text)
    for chain in configuration["static_resources"]["listeners"][0]["filter_chains"]:
        del chain["transport_socket"]
    (folder / "envoy.json").write_text(json.dumps(configuration))
    command = [envoy, "-c", str(folder / "envoy.json"), "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
    with _running(command, folder, port):
        yield
