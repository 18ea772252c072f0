"""signet export and import: an installation moves between machines and databases with nothing lost, or not at all."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from provider.accounts.store.users import users
from provider.app import create_app
from provider.installation import open_installation
from provider.tables import metadata
from provider.transfer import NotImported, export_to, import_from
from provider.work import Installation, unit_of_work
from tests.oauth.approvals import FOR_CIBA, ask
from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import ISSUER, settings_for
from tests.support.relying_party import RelyingParty


@pytest.fixture
def other(
    database_url: str, sqlite_template: Path, tmp_path: Path, request: pytest.FixtureRequest, clock: Clock
) -> Iterator[Installation]:
    """A new installation on the other kind of database, with the same secret key."""
    if database_url.startswith("sqlite"):
        url: str = request.getfixturevalue("empty_postgres")()
    else:
        url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'other.db')}"
    other = open_installation(settings_for(url), clock=clock)
    yield other
    other.database.close()


def rows_of(installation: Installation) -> dict[str, list[Any]]:
    with installation.database.engine.connect() as db:
        return {table.name: sorted(map(repr, db.execute(select(table)).all())) for table in metadata.sorted_tables}


def exported(installation: Installation) -> list[str]:
    out = io.StringIO()
    export_to(installation, out)
    return out.getvalue().splitlines(keepends=True)


@pytest.mark.both_databases
def test_it_moves_to_the_other_database_and_goes_on(
    installation: Installation,
    other: Installation,
    rp: RelyingParty,
    register: Register,
    browser: WatchedClient,
    ada: str,
) -> None:
    """Every row as it was; the password, the session and the refresh token still work, and tokens verify."""
    ask(register(**FOR_CIBA), binding_message="4711")
    tokens = rp.sign_in(browser, scope="openid profile offline_access")
    lines = exported(installation)
    counts = import_from(other, lines)
    assert counts["users"] == 1
    assert rows_of(other) == rows_of(installation)
    app = create_app(other)
    rp.http = WatchedClient(app, ISSUER)
    refreshed = rp.refresh(tokens)
    assert rp.verify(refreshed, refreshed=True)["sub"] == ada
    assert rp.userinfo(tokens).status_code == 200
    person = Browser(app, ISSUER)
    person.open("/login")
    assert person.submit({"username": "ada@example.test", "password": PASSWORD}, button="Sign in").path == "/account"
    app.state.threads.close()


Spoil = Callable[[list[str]], list[str]]


def changed(number: int, old: str, new: str) -> Spoil:
    def spoil(lines: list[str]) -> list[str]:
        assert old in lines[number]
        return [*lines[:number], lines[number].replace(old, new), *lines[number + 1 :]]

    return spoil


@in_one_world(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], "incomplete or was changed"),
        (lambda lines: lines[:-2] + lines[-1:], "incomplete or was changed"),
        (lambda lines: [*lines, lines[-2]], "incomplete or was changed"),
        (lambda lines: lines[:3] + lines[2:], "conflict with each other"),
        (lambda lines: [*lines[:-1], lines[-1][:-5]], "is not valid JSON"),
        (lambda lines: lines[1:], "not from `signet export`"),
        (lambda lines: [], "not from `signet export`"),
        (changed(0, '"revision":"', '"revision":"9'), "has revision 9"),
        (changed(0, '"key":"', '"key":"x'), "SIGNET_SECRET_KEY is not the one"),
        (changed(1, '"table":"', '"table":"x'), "that this version does not have"),
        (changed(1, '"row":{"', '"row":{"x'), "unknown or missing columns"),
    ],
)
def test_a_file_that_is_not_whole_leaves_nothing_behind(
    installation: Installation, other: Installation, rp: RelyingParty, browser: WatchedClient, spoil: Spoil, said: str
) -> None:
    rp.sign_in(browser)
    before = rows_of(other)
    with pytest.raises(NotImported, match=said):
        import_from(other, spoil(exported(installation)))
    assert rows_of(other) == before


def test_it_is_only_for_a_new_installation(installation: Installation, other: Installation, rp: RelyingParty) -> None:
    with unit_of_work(other) as work:
        make_user(work, "bob@example.test")
    with pytest.raises(NotImported, match="already has users or applications"):
        import_from(other, exported(installation))


@pytest.mark.both_databases
def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(installation: Installation) -> None:
    """One moment: a row added after the export began is in no table."""

    class Slow(io.StringIO):
        wrote = False

        def write(self, text: str) -> int:
            if not self.wrote:
                self.wrote = True
                with unit_of_work(installation) as work:
                    make_user(work, "late@example.test")
            return super().write(text)

    out = Slow()
    counts = export_to(installation, out)
    assert "users" not in counts
    assert "late@example.test" not in out.getvalue()
    assert json.loads(out.getvalue().splitlines()[-1])["rows"] == counts
    with installation.database.engine.connect() as db:
        assert db.scalar(select(func.count()).select_from(users)) == 1
