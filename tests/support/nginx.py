"""A real nginx with the configuration we ship, `deploy/nginx.conf`, as a plain process on loopback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.server_process import REPOSITORY
from tests.support.services import unavailable
from tests.support.waiting import PATIENCE, wait_until

SHIPPED = REPOSITORY / "deploy/nginx.conf"
WITH_CERTIFICATES = REPOSITORY / "deploy/nginx-mtls.conf"
BELOW_A_PATH = REPOSITORY / "deploy/nginx-path.conf"

AROUND = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/signet.conf;
}}
"""
"""What the distribution's nginx.conf is, without root and without its folders."""


def find_nginx() -> str:
    """Also where Debian keeps it, which is not on everybody's PATH. Without it the test is skipped, loudly."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return found or unavailable("nginx", "no nginx on PATH or in /usr/sbin")


def configuration(*, port: int, http_port: int, nodes: Sequence[int], certificate: Path) -> str:
    """The shipped file for these ports and this certificate; each of its stand-ins must be there, once."""
    name = "\n    server_name id.example.com;"
    return _stand_in(
        SHIPPED,
        {
            f"listen 443 ssl;{name}": f"listen 127.0.0.1:{port} ssl;\n    server_name localhost;",
            f"listen 80;{name}": f"listen 127.0.0.1:{http_port};\n    server_name localhost;",
            "server 127.0.0.1:8001 ": f"server 127.0.0.1:{nodes[0]} ",
            "server 127.0.0.1:8002 ": f"server 127.0.0.1:{nodes[1]} ",
            "ssl_certificate /etc/ssl/id.example.com/fullchain.pem;": f"ssl_certificate {certificate};",
            "ssl_certificate_key /etc/ssl/id.example.com/privkey.pem;": f"ssl_certificate_key {certificate};",
        },
    )


def configuration_of_certificates(*, port: int, certificate: Path) -> str:
    """The shipped file of the host that asks for client certificates, to be added to `configuration`."""
    return _stand_in(
        WITH_CERTIFICATES,
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "server_name mtls.example.com;": "server_name localhost;",
            "ssl_certificate /etc/ssl/mtls.example.com/fullchain.pem;": f"ssl_certificate {certificate};",
            "ssl_certificate_key /etc/ssl/mtls.example.com/privkey.pem;": f"ssl_certificate_key {certificate};",
        },
    )


def configuration_below_a_path(*, port: int, node: int, strips: bool) -> str:
    """The shipped file for an issuer with a path, in plain http; with `strips`, Signet does not see the path."""
    node_here = f"server 127.0.0.1:{node} "
    text = _stand_in(
        BELOW_A_PATH,
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port};",
            "server_name example.com;": "server_name 127.0.0.1;",
            "server 127.0.0.1:8001 ": node_here,
            "server 127.0.0.1:8002 ": node_here,
            "ssl_certificate /etc/ssl/example.com/fullchain.pem;": "",
            "ssl_certificate_key /etc/ssl/example.com/privkey.pem;": "",
        },
    )
    kept = "location /auth/ {\n        proxy_pass http://signet;"
    assert kept in text
    return text.replace(kept, kept.replace("signet;", "signet/;")) if strips else text


def _stand_in(shipped: Path, stand_ins: Mapping[str, str]) -> str:
    text = shipped.read_text()
    for there, here in stand_ins.items():
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    return text


@contextmanager
def nginx(folder: Path, *, port: int, signet_conf: str) -> Iterator[None]:
    program = find_nginx()
    (folder / "signet.conf").write_text(signet_conf)
    user = "user root;" if os.getuid() == 0 else ""  # its worker must read the test's files
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        _wait(process, port)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _wait(process: "subprocess.Popen[str]", port: int) -> None:
    def listens() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            return False
        return True

    wait_until(listens, of=process, what="nginx does not listen", log=lambda: process.communicate()[1])
