"""The plugin as pytest loads it, what it costs, and the schema that it creates without migrating."""

import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from signet_testing.records import User
from signet_testing.serving.loopback import listen
from signet_testing.serving.server import Server
from signet_testing.signet import Signet
from signet_testing.storage import SCHEMA, create_schema
from signet_testing.version import __version__ as kit_version
from starlette.responses import PlainTextResponse

from provider import __version__
from provider.jose.registry import Registry
from provider.routes import ON_DEMAND
from tests.docs.generate.kit_schema import schema_of
from tests.kit.listener import Listener
from tests.kit.test_control import KIT
from tests.support import forking
from tests.support.chromium import NewPerson
from tests.support.relying_party import challenge_of
from tests.support.server_process import REPOSITORY, environment, free_port

PYTEST = f"import sys; sys.path.insert(0, {str(KIT)!r}); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
PROJECT = """
import pytest

@pytest.fixture(scope="session")
def signet_settings():
    return {"brand": "Of the project"}

@pytest.fixture(scope="module")
def ada(signet_server):
    return signet_server.user("ada@example.test")

@pytest.mark.parametrize("turn", range(4))
def test_a_user_of_the_module_stays_and_one_of_a_test_does_not(signet, ada, turn):
    signet.user("bob@example.test")
    assert signet.token(ada)

def test_the_settings_of_the_project_apply(signet):
    assert signet._installation.settings.brand == "Of the project"
"""

READS_EARLY = """
import os
ISSUER, CLIENT_ID, SECRET = (os.environ[f"APP_{name}"] for name in ("ISSUER", "CLIENT_ID", "SECRET"))

import sys
LOADED_EARLY = "signet_testing.signet" in sys.modules

def test_the_app_has_the_signet_of_the_tests(signet, signet_client):
    assert not LOADED_EARLY
    assert signet._installation.settings.brand == "Of the configuration"
    assert signet.issuer == ISSUER
    assert (signet_client.client_id, signet_client.client_secret) == (CLIENT_ID, SECRET)
    assert signet_client.redirect_uris == ("http://localhost/a", "http://localhost/b")
    url = signet.authorization_url(signet_client, state="without PKCE")
    assert signet.sign_in(url, signet.user()).code
"""
CONTROLLER = """
import os, sys
def pytest_sessionfinish():
    assert "PYTEST_XDIST_WORKER" in os.environ or "signet_testing.signet" not in sys.modules
"""
CONNECTS_EARLY = """
import os, urllib.request
with urllib.request.urlopen(os.environ["APP_ISSUER"] + "/.well-known/openid-configuration") as answer:
    assert answer.status == 200

def test_it_is_the_signet_of_the_tests(signet):
    assert signet.issuer == os.environ["APP_ISSUER"]
"""
INI_OF_EARLY = """[pytest]
signet_settings =
    brand = Of the configuration
signet_env =
    APP_ISSUER={issuer}
    APP_CLIENT_ID = {client_id}
    APP_SECRET={client_secret}
signet_client =
    redirect_uri = ["http://localhost/a", "http://localhost/b"]
    require_pkce = false
"""


def run_project(folder: Path, *options: str, text: str = PROJECT, status: int = 0) -> str:
    (folder / "test_project.py").write_text(text)
    command = ["-q", "-p", "signet_testing.plugin", "-p", "no:cacheprovider", *options, str(folder)]
    done = forking.run(command, env=environment({}), code=PYTEST)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_project_uses_the_fixtures(tmp_path: Path) -> None:
    assert "5 passed" in run_project(tmp_path, "-p", "no:xdist")


def test_an_app_that_reads_its_environment_when_it_is_imported_finds_signet_there(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI_OF_EARLY)
    assert "1 passed" in run_project(tmp_path, "-p", "no:xdist", text=READS_EARLY)


def test_an_app_that_connects_while_it_is_imported_is_answered(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI_OF_EARLY.replace("brand", "no_such_thing"))
    (tmp_path / "other.ini").write_text(INI_OF_EARLY)
    out = run_project(tmp_path, "-p", "no:xdist", "-c", str(tmp_path / "other.ini"), text=CONNECTS_EARLY)
    assert "1 passed" in out
    out = run_project(tmp_path, "-p", "no:xdist", text=CONNECTS_EARLY, status=2)
    assert "Signet did not start" in out
    assert "no_such_thing" in out


def test_settings_that_would_come_too_late_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI_OF_EARLY)
    assert "Write the settings under signet_settings" in run_project(tmp_path, "-p", "no:xdist", status=1)


@pytest.mark.slow
@pytest.mark.nightly
def test_each_worker_of_xdist_has_a_signet_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY} {KIT}\n")
    assert "5 passed" in run_project(tmp_path, "-n", "2")
    (tmp_path / "pytest.ini").write_text(
        f"{INI_OF_EARLY}pythonpath = {REPOSITORY} {KIT}\nsignet_port = {free_port()}\n"
    )
    (tmp_path / "conftest.py").write_text(CONTROLLER)
    assert "1 passed" in run_project(tmp_path, "-n", "1", text=READS_EARLY)


def tables_of(path: Path) -> dict[str, set[tuple[Any, ...]]]:
    """The columns and the number of rows of each table."""
    with sqlite3.connect(path) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {
            name: {row[1:4] + row[5:] for row in db.execute(f'PRAGMA table_info("{name}")')}
            for name in names
            if not name.startswith("sqlite_")
        }
    db.close()
    return columns


def rules_of(path: Path) -> set[str]:
    """The triggers and the unique indexes. Other indexes only save time."""
    with sqlite3.connect(path) as db:
        found = list(db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_schema"))
    db.close()
    return {name for kind, name, sql in found if kind == "trigger" or "CREATE UNIQUE INDEX" in sql}


def test_the_schema_is_that_of_the_migrations(tmp_path: Path, sqlite_template: Path) -> None:
    assert SCHEMA.read_text("utf-8") == schema_of(sqlite_template), "run `make references`"
    create_schema(tmp_path / "created.db")
    assert tables_of(tmp_path / "created.db") == tables_of(sqlite_template)
    assert rules_of(tmp_path / "created.db") == rules_of(sqlite_template)


def test_migrations_leave_no_rows_that_the_schema_lacks(sqlite_template: Path) -> None:
    with sqlite3.connect(sqlite_template) as db:
        filled = {name for name in tables_of(sqlite_template) if db.execute(f'SELECT 1 FROM "{name}"').fetchone()}
    db.close()
    assert {name for name in filled if "_fts_" not in name} == {
        "alembic_version",
        "installation_secrets",
        "signing_keys",
    }


def test_starting_and_putting_back_are_cheap(signet: Signet) -> None:
    """In processor time, with room for a busy machine: a start has 300 ms, a test 5 ms."""
    begun = time.process_time()
    with Signet():
        assert time.process_time() - begun < 0.3
    costs = []
    for _ in range(5):
        begun = time.process_time()
        before = signet.save()
        saved = time.process_time() - begun
        user = signet.user()
        begun = time.process_time()
        signet.restore(before)
        costs.append(saved + time.process_time() - begun)
        assert isinstance(user, User)
    assert min(costs) < 0.005


ASK_LOADED = """
import gc, os, sys
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "one-of-the-tests"
from signet_testing import Signet
with Signet():
    print(*sys.modules)
print(gc.isenabled(), os.environ.get("PYDANTIC_DISABLE_PLUGINS"))
"""
FOR_LATER = [
    *("PIL", "alembic", "click", "dramatiq", "email.headerregistry", "email_validator", "limits", "psycopg"),
    *("sqlalchemy.dialects.postgresql", "uvicorn", "webauthn", "zxcvbn_rs_py"),
]
OURS_AT_MOST = 570
"""How many modules of Signet a start loads, with room for a few."""


def test_a_start_loads_only_what_a_sign_in_needs_and_leaves_the_process_as_it_was() -> None:
    names, process = _ask(ASK_LOADED).splitlines()
    loaded = names.split()
    assert not set(FOR_LATER) & set(loaded)
    assert not {f"provider.routes.{place.partition(':')[0]}" for place in ON_DEMAND} & set(loaded)
    assert len([module for module in loaded if module.startswith("provider")]) <= OURS_AT_MOST
    assert process == "True one-of-the-tests"


def test_a_signet_without_connections_closes_its_port() -> None:
    """N-560."""
    with Signet() as signet:
        port = urlsplit(signet.issuer).port
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=5)


def test_a_server_with_a_kept_connection_stops_at_once() -> None:
    """Uvicorn's own loop and its shutdown wait for up to 0.1 seconds each."""
    waits = []
    for _ in range(3):
        server = Server(listen("127.0.0.1", 0))
        server.start(PlainTextResponse("here"))
        with httpx2.Client() as kept:
            assert kept.get(f"http://127.0.0.1:{server.port}/").headers["date"]
            begun = time.monotonic()
            server.stop()
            waits.append(time.monotonic() - begun)
        server.stop()  # again, as a fixture may
    assert min(waits) < 0.09


def test_responses_of_a_kept_connection_are_not_delayed(signet: Signet) -> None:
    """Without TCP_NODELAY each would wait 40 ms for an acknowledgement of the client's system."""
    with httpx2.Client() as kept:
        waits = []
        for _ in range(4):
            begun = time.monotonic()
            kept.get(f"{signet.issuer}/oauth2/jwks")
            waits.append(time.monotonic() - begun)
    assert min(waits[1:]) < 0.04


def test_a_token_is_signed_once(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[bytes] = []
    algorithm = Registry.algorithms["RS256"]
    sign = algorithm.sign

    def note(text: bytes, key: Any) -> Any:
        signed.append(text)
        return sign(text, key)

    monkeypatch.setattr(algorithm, "sign", note)
    wrongs: list[dict[str, Any]] = [{}, {"expired": True}, {"foreign_key": True}, {"claims": {"tenant": "blue"}}]
    for wrong in wrongs:
        signed.clear()
        signet.token(**wrong)
        assert len(signed) == 1, wrong
    signed.clear()
    signet.token(unsigned=True)
    assert signed == []


def test_importing_the_package_does_not_import_signet() -> None:
    assert _ask("import signet_testing.plugin, sys; print('provider' in sys.modules)").strip() == "False"


def _ask(code: str) -> str:
    """What a new process prints that runs this code."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(KIT)!r})\n{code}"]
    return subprocess.run(command, env=environment({}), capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.browser
def test_a_user_signs_in_with_playwright(signet: Signet, new_person: NewPerson) -> None:
    app = Listener([])
    client, page = signet.client(f"{app.url}/callback"), new_person().page
    url = signet.authorization_url(client, code_challenge=challenge_of("v" * 43), code_challenge_method="S256")
    page.goto(url)
    signet.sign_in_with(page, signet.user(second_factor=True))
    assert page.url.startswith(f"{app.url}/callback?code=")
    with pytest.raises(AssertionError, match="not at Signet"):
        signet.sign_in_with(page, signet.user())
    app.close()


def test_the_kit_has_the_version_of_signet() -> None:
    assert kit_version == __version__
    assert f'"signet-provider=={__version__}"' in (KIT / "pyproject.toml").read_text("utf-8")


@pytest.mark.slow
def test_the_wheel_has_the_plugin_and_the_keys(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(KIT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("pytest_signet-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "signet = signet_testing.plugin" in points
    assert {"signet_testing/published_keys.json", "signet_testing/py.typed"} <= set(names)
