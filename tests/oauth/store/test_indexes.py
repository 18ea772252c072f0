"""Every statement of a hot path finds its rows through an index: what is executed is explained, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from provider.work import Installation
from provider.worker.jobs import purge
from tests.oauth.conftest import Register
from tests.oauth.devices import FOR_DEVICES, page_of, press, start
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.relying_party import TOKEN, RelyingParty, Tokens

pytestmark = pytest.mark.both_databases

READ_WHOLE = ("signing_keys", "SCAN effective", "SCAN given")
"""A handful of rows, read together: the keys, and what the subqueries found about the groups of one user."""


@contextmanager
def executed(engine: Engine) -> Iterator[dict[str, Any]]:
    """The statements that run meanwhile, with their parameters."""
    seen: dict[str, Any] = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        seen[statement] = parameters

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plan(db: Connection, statement: str, parameters: Any) -> list[str]:
    """The database's own words about how it would find the rows."""
    if db.dialect.name == "postgresql":
        # A table of three rows is read whole unless that is made to look expensive.
        db.exec_driver_sql("SET enable_seqscan = off")
        return [row[0] for row in db.exec_driver_sql("EXPLAIN " + statement, parameters)]
    return [row[3] for row in db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)]


def scans(lines: list[str]) -> list[str]:
    """Where a whole table would be read."""
    marks, no_table = ("Seq Scan on", "SCAN "), ("INDEX", "CONSTANT ROW", "(subquery")
    whole = [line for line in lines if any(m in line for m in marks) and not any(n in line for n in no_table)]
    return [line for line in whole if not any(name in line for name in READ_WHOLE)]


PREFLIGHT = {"origin": "https://app.example.test", "access-control-request-method": "POST"}

HOT: dict[str, Callable[[RelyingParty, WatchedClient, Tokens], object]] = {
    "authorize": lambda rp, browser, _: rp.ask(browser),
    "redeem": lambda rp, browser, _: rp.redeem(rp.ask(browser)),
    "refresh": lambda rp, _, tokens: rp.refresh(tokens),
    "repeat a refresh": lambda rp, _, tokens: [rp.refresh(tokens), rp.refresh(tokens)],
    "reuse": lambda rp, _, tokens: [rp.refresh(rp.refresh(tokens)), rp.refresh(tokens)],
    "userinfo": lambda rp, _, tokens: rp.userinfo(tokens),
    "introspect an access token": lambda rp, _, tokens: rp.introspect(tokens.access_token),
    "introspect a refresh token": lambda rp, _, tokens: rp.introspect(tokens.refresh_token),
    "revoke an access token": lambda rp, _, tokens: rp.revoke(tokens.access_token),
    "revoke a family": lambda rp, _, tokens: rp.revoke(tokens.refresh_token),
    "park and resume": lambda rp, browser, _: rp.resume(browser, rp.ask(browser, prompt="login")),
    "answer a preflight": lambda rp, _browser, _tokens: rp.http.options(TOKEN, headers=PREFLIGHT),
    "log out": lambda rp, browser, tokens: rp.log_out(browser, tokens),
}


@in_one_world("path", HOT)
def test_a_hot_path_reads_no_table_whole(
    rp: RelyingParty, browser: WatchedClient, installation: Installation, path: str
) -> None:
    """docs/development/performance.md: a million rows must not make a request slower."""
    tokens = rp.sign_in(browser, scope="openid offline_access")
    engine = installation.database.engine
    with executed(engine) as statements:
        HOT[path](rp, browser, tokens)
    assert_by_index(engine, statements)


def test_a_device_and_its_person_read_no_table_whole(
    register: Register, browser: WatchedClient, installation: Installation
) -> None:
    """docs/development/performance.md: each waiting device asks every five seconds."""
    engine, device = installation.database.engine, start(register(**FOR_DEVICES))
    with executed(engine) as statements:
        device.poll()
        device.poll()
        page_of(browser, device.user_code)
        press(browser, device.user_code, "allow")
        assert device.poll().status == 200
        device.poll()
    assert_by_index(engine, statements)


def test_what_may_go_is_found_without_reading_a_table_whole(installation: Installation) -> None:
    """docs/development/performance.md: the hourly purge finds nothing to do as fast among a million rows."""
    with executed(installation.database.engine) as statements:
        purge(installation)
    assert_by_index(installation.database.engine, statements)


def assert_by_index(engine: Engine, statements: dict[str, Any]) -> None:
    begin = ("SELECT", "UPDATE", "WITH", "DELETE")
    rows = {text: given for text, given in statements.items() if text.lstrip().startswith(begin)}
    assert rows
    with engine.connect() as db:
        found = {text: scans(plan(db, text, given)) for text, given in rows.items()}
        db.invalidate()  # with its changed planner
    assert not {text: lines for text, lines in found.items() if lines}


def test_a_statement_without_an_index_would_be_noticed(rp: RelyingParty, installation: Installation) -> None:
    """The check itself works."""
    with installation.database.engine.connect() as db:
        assert scans(plan(db, "SELECT * FROM refresh_tokens WHERE generation = 7", ()))
        assert not scans(plan(db, "SELECT * FROM refresh_tokens ORDER BY digest", ()))
        db.invalidate()
