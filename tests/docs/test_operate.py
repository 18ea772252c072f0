"""docs/operate/operate.md, followed word by word: every command is run, in order, in one shell."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.cli.test_every_command import EVERY, UNTIL_STOPPED
from tests.docs import machine
from tests.mail.smtp_sink import smtp_sink
from tests.support.databases import create_postgres_database
from tests.support.forking import signet_in
from tests.support.server_process import REPOSITORY, environment
from tests.support.services import postgres_program, services
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

STAND_INS = {
    "sudo": 'exec {python} {machine} "$@"',  # it changes the machine; `machine.py` says what is done instead
    "haveibeenpwned-downloader": 'echo 00000000000000000000000000000000DEADBEEF:1 > "$1.txt"',  # forty gigabytes
}
"""Programs that are not run, and what is instead."""

NOT_RUN = {"user reset-totp": "nobody has turned it on: that takes a browser"}
"""Commands that are only mentioned; those of UNTIL_STOPPED are run by the units."""


def blocks() -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```$", (REPOSITORY / "docs/operate/operate.md").read_text(), re.MULTILINE | re.DOTALL
    )


def three_ports() -> list[int]:
    """Of four digits: the units write a 1 before them for the metrics."""
    found = [port for port in range(2000 + os.getpid() % 3000, 5500) if _is_free(port) and _is_free(10_000 + port)]
    return found[:3]


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


@pytest.fixture
def places(tmp_path: Path, worker_id: str) -> Iterator[dict[str, str]]:
    """What the document names -> what stands for it here."""
    for name in ("etc", "lib", "backups", "bin"):
        (tmp_path / name).mkdir()
    url = create_postgres_database(f"signet_{worker_id}_operate").replace("+psycopg", "")
    number = 12 if worker_id == "main" else 7 + int(worker_id[2:]) % 4
    redis_url = f"{services.require('Redis')}?db={number}"
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    first, second, worker = three_ports()
    with smtp_sink() as sink:
        yield {
            "/etc/signet": str(tmp_path / "etc"),
            "/var/lib/signet": str(tmp_path / "lib"),
            "/var/backups/signet": str(tmp_path / "backups"),
            "8001": str(first),
            "8002": str(second),
            "127.0.0.1:18000": f"127.0.0.1:{worker}",
            "SIGNET_SMTP_PORT=25": f"SIGNET_SMTP_PORT={sink.port}",
            "postgresql://signet@/signet?host=/var/run/postgresql": url,
            "redis://localhost:6379/0": redis_url,
            "https://hooks.example.com/": "https://127.0.0.1:1/",  # nothing leaves this machine
            "SIGNET_SMTP_FROM=id@example.com": "SIGNET_SMTP_FROM=id@example.com\nSIGNET_OUTBOUND_ALLOW=127.0.0.1",
        }


@pytest.fixture
def shell(tmp_path: Path, places: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of somebody's shell, with stand-ins on its PATH; what was started there ends with it."""
    programs = tmp_path / "bin"
    for name, what in STAND_INS.items():
        text = what.format(python=sys.executable, machine=machine.__file__)
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    for name in ("pg_dump", "pg_restore"):
        (programs / name).symlink_to(postgres_program(name))
    environ = environment({}) | {"PATH": f"{programs}:{os.environ['PATH']}", "PLACES": json.dumps(places)}
    with signet_in(programs):
        try:
            yield environ
        finally:
            for file in (tmp_path / "lib").glob("*.pid"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(file.read_text()), signal.SIGTERM)


def test_every_command_of_the_document_does_what_it_says(
    tmp_path: Path, places: dict[str, str], shell: dict[str, str]
) -> None:
    script = "".join(blocks())
    units = "".join(unit.read_text() for unit in (REPOSITORY / "deploy").glob("*.service"))
    for place, stand_in in places.items():
        assert place in script + units, place
        script = script.replace(place, stand_in)
    for command in sorted(set(EVERY) - UNTIL_STOPPED - NOT_RUN.keys()):
        assert re.search(rf"\bsignet {command}\b", script), f"`signet {command}` is not in docs/operate/operate.md"
    file = tmp_path / "operate.sh"
    file.write_text(f"set -eu\n{script}\n")
    done = subprocess.run(
        ["bash", "-x", str(file)],
        env=shell,
        cwd=tmp_path / "lib",
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * PATIENCE,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    said = done.stdout
    assert said.count('{"status":"ok"}') == 2, said
    assert "failed check" in said
    assert "signet_outbox_oldest_due_seconds" in said
    assert re.search(r"Revoked what was issued before \S+: .*[36] signing keys", said), said
    assert "No problems found." in said or "0 errors" in said
