"""The pages about installing and operating Signet, followed as printed: every block marked `sh` is run.

There are two installations. One begins with SQLite and moves to PostgreSQL, the other begins with PostgreSQL, and every
other page builds on it, in the order of the navigation. Each page is read in a shell of its own. Blocks marked `bash`
need what is not here: containers, a name in DNS, another program.
"""

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

from provider.config.settings import Settings
from provider.database.engine import open_database
from provider.operators.as_code import plans as as_code
from provider.work import Installation, unit_of_work
from tests.cli.test_every_command import EVERY, UNTIL_STOPPED
from tests.docs import machine
from tests.docs.test_site import CONFIGURATION, in_navigation
from tests.mail.smtp_sink import smtp_sink
from tests.support.databases import create_postgres_database
from tests.support.factories import make_user
from tests.support.forking import signet_in
from tests.support.server_process import REPOSITORY, environment
from tests.support.services import postgres_program, services
from tests.support.waiting import PATIENCE

OPERATE = [f"docs/{page}" for page in in_navigation(CONFIGURATION["nav"]) if page.startswith("operate/")]

STAND_INS = {
    "sudo": 'exec {python} {machine} "$@"',  # it changes the machine; `machine.py` says what is done instead
    "haveibeenpwned-downloader": 'echo 00000000000000000000000000000000DEADBEEF:1 > "$1.txt"',  # forty gigabytes
    "pip": "exit 0",  # `tests/test_packaging.py` installs the wheel
    "serve_in_background": """DETACHED=yes signet serve --port "$1" --workers 1 > ~/own.pid 2> ~/own.log < /dev/null
until curl -s "http://127.0.0.1:$1/health/ready"; do sleep 0.1; done""",
    "python3": 'if [ "$2" = venv ]; then mkdir -p "$3/bin" && touch "$3/bin/activate"; else exec {python} "$@"; fi',
}
"""Programs that are not run, and what is instead."""

AS_TYPED = (
    (r"^sudo -u postgres psql signet ", 'psql "$SIGNET_DATABASE_URL" '),
    (r"^sudo -iu signet$", "cd; if [ -e ~/.bash_profile ]; then . ~/.bash_profile; fi"),  # a login shell reads it
    (r"^(signet user create (?!.*--password-stdin).*)$", r'\1 --password-stdin <<< "several unrelated words"'),
    (r"\bsignet serve$", "serve_in_background {own}"),
)
"""What an operator does at the terminal and a script cannot -> how it is done here."""

NOT_RUN = {
    "user reset-totp": "no user has turned it on: that takes a browser",
    "user remove-authenticator-app": "no user has one: that takes a browser",
    "user remove-passkey": "no user has one: that takes a browser",
    "user remove-remembered-device": "no user has one: that takes a browser",
    "doctor": "the issuer is not reachable: tests/doctor runs it",
    "inspect": "no app has a token",
    "key remove": "the last token of the retired key has not expired",
    "provisioning test": "no app has a SCIM service there",
    "client proxy-config": "no app protects a site",
    "client preview-site": "no app protects a site",
    "upstream test-signals": "no provider transmits signals",
    **{
        f"signals {name}": "no app has a stream"
        for name in ("set", "show", "deliveries", "verify", "pause", "enable", "disable", "delete")
    },
    "test-server": "it is not for operators: tests/kit runs it",
}
"""Commands that are only mentioned; those of UNTIL_STOPPED are run by the units."""

FROM_SQLITE = {"docs/start/install.md": "", "docs/operate/backup.md": "Back up SQLite", "docs/operate/scale.md": ""}
"""The pages of the installation that begins with SQLite -> the only section of it, if not all."""
FROM_POSTGRESQL = ["docs/start/install-postgresql.md", *(page for page in OPERATE if page != "docs/operate/scale.md")]

SAID = {
    "docs/start/install.md": (r'{"status":"ok"}.*client_secret.*{"status":"ok"}',),
    "docs/start/install-postgresql.md": (r'{"status":"ok"}{"status":"ok"}', r"No problems found\.|\b0 errors, "),
    "docs/operate/configure.md": (r"SIGNET_SUPPORT_EMAIL\s+help@example\.com",),
    "docs/operate/scale.md": (
        r"Exported \d+ rows",
        r"Imported \d+ rows",
        r'{"status":"ok"}',
        r"No problems found\.|\b0 errors, ",
    ),
    "docs/operate/backup.md": (r"Revoked what was issued before \S+: .* signing keys",),
    "docs/operate/upgrade.md": (r"signet \d+\.\d+", r"The database is up to date"),
    "docs/operate/keys.md": (r"Rotated ES256\.", r"Revoked key "),
    "docs/operate/monitor.md": (r'{"status":"ok"}', r"signet_outbox_oldest_due_seconds"),
    "docs/operate/security.md": (r"600 \S+ \S+/signet\.env", r"account\.roles\.changed"),
    "docs/operate/troubleshoot.md": (r"failed check +The client is registered",),
}
"""What the commands of a page print, among other things."""


def blocks(page: str, *, section: str = "") -> Iterator[str]:
    """Yield the commands of a page, or of one section of it. Without one, those of FROM_SQLITE are left out."""
    for part in re.split(r"^## ", (REPOSITORY / page).read_text("utf-8"), flags=re.MULTILINE):
        heading = part.partition("\n")[0]
        other = FROM_SQLITE.get(page, "")
        if heading == section if section else heading != other:
            yield from re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


def four_ports() -> list[int]:
    """Return ports of four digits: the units write a 1 before them for the metrics."""
    found = [port for port in range(2000 + os.getpid() % 3000, 5500) if _is_free(port) and _is_free(10_000 + port)]
    return found[:4]


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


@pytest.fixture
def places(tmp_path: Path, worker_id: str) -> Iterator[dict[str, str]]:
    """Yield what the pages name -> what is used here in its place."""
    for name in ("etc", "lib", "backups", "bin", "checkout"):
        (tmp_path / name).mkdir()
    url = create_postgres_database(f"signet_{worker_id}_operate").replace("+psycopg", "")
    number = 12 if worker_id == "main" else 7 + int(worker_id[2:]) % 4
    redis_url = f"{services.require('Redis')}?db={number}"
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    first, second, worker, own = four_ports()
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
            "{own}": str(own),
        }


@pytest.fixture
def shell(tmp_path: Path, places: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yield the environment of an operator's shell. What was started in it ends with it."""
    programs = tmp_path / "bin"
    for name, what in STAND_INS.items():
        text = what.format(python=sys.executable, machine=machine.__file__)
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    for name in ("pg_dump", "pg_restore", "psql"):
        (programs / name).symlink_to(postgres_program(name))
    environ = environment({}) | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PLACES": json.dumps(places),
        "HOME": str(tmp_path / "lib"),
    }
    with signet_in(programs):
        try:
            yield environ
        finally:
            for file in (tmp_path / "lib").glob("*.pid"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(file.read_text()), signal.SIGTERM)


def follow(page: str, section: str, *, places: dict[str, str], shell: dict[str, str], tmp_path: Path) -> None:
    script = "".join(blocks(page, section=section))
    for typed, here in AS_TYPED:
        script = re.sub(typed, here, script, flags=re.MULTILINE)
    for place, stand_in in places.items():
        script = script.replace(place, stand_in)
    file = tmp_path / "page.sh"
    file.write_text(f"set -eu\n{'[ ! -e ~/.bash_profile ] || . ~/.bash_profile' if section else ''}\n{script}\n")
    done = subprocess.run(
        ["bash", "-x", str(file)],
        env=shell,
        cwd=tmp_path / "checkout",
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * PATIENCE,
    )
    assert done.returncode == 0, f"{page}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    for expected in () if section else SAID.get(page, ()):
        assert re.search(expected, done.stdout, re.DOTALL), f"{page}: {expected}\n{done.stdout}"


@pytest.mark.slow
def test_an_installation_with_sqlite_is_backed_up_and_moves_to_postgresql(
    tmp_path: Path, places: dict[str, str], shell: dict[str, str]
) -> None:
    for page, section in FROM_SQLITE.items():
        follow(page, section, places=places, shell=shell, tmp_path=tmp_path)
    assert (tmp_path / "backups/signet.db").stat().st_size > 0


@pytest.mark.nightly
@pytest.mark.slow
def test_an_installation_with_postgresql_is_operated_as_the_pages_say(
    tmp_path: Path, places: dict[str, str], shell: dict[str, str]
) -> None:
    for page in FROM_POSTGRESQL:
        follow(page, "", places=places, shell=shell, tmp_path=tmp_path)


def test_every_command_is_run_on_a_page() -> None:
    pages = [*FROM_SQLITE.items(), *((page, "") for page in FROM_POSTGRESQL)]
    script = "".join(code for page, section in pages for code in blocks(page, section=section))
    written = [command for command in EVERY if command not in UNTIL_STOPPED and command not in NOT_RUN]
    assert [command for command in written if not re.search(rf"\bsignet {command}\b", script)] == []


def test_the_page_about_scaling_says_how_many_connections_a_process_opens() -> None:
    settings = Settings(database_url="postgresql://signet@/signet", secret_key="k" * 32, metrics_address="127.0.0.1:1")
    text = (REPOSITORY / "docs/operate/scale.md").read_text("utf-8")
    size = open_database(settings).engine.pool.size()  # type: ignore[attr-defined]  # of a QueuePool
    assert f"With the default settings and metrics, that is {size}." in text
    assert f"9 processes, so up to {9 * size}" in text


SECRETS = {"SHOP_SECRET": "s" * 32, "GITHUB_SECRET": "s", "SHOP_SCIM_TOKEN": "t", "SHOP_EVENTS": "Bearer e"}


def test_the_example_of_clients_as_code_can_be_applied(installation: Installation) -> None:
    page = (REPOSITORY / "docs/operate/as-code.md").read_text("utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    with unit_of_work(installation) as work:
        make_user(work, "ada@example.com")
        as_code.apply(work, as_code.plan(work, example, environ=SECRETS))
    with unit_of_work(installation) as work:
        assert as_code.plan(work, example, environ={}) == []
    assert [member for member in as_code.OURS if f"| `{member}` |" not in page] == []
