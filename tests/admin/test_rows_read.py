"""A page of a list reads few rows however many there are: counted by the database, not by the clock."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from provider.accounts.attributes.declared import find_attribute
from provider.accounts.factors.store.two_factor_choices import two_factor_choices
from provider.accounts.groups.groups import GroupSettings, put_group
from provider.accounts.store.attribute_values import attribute_values
from provider.accounts.store.email_addresses import email_addresses
from provider.accounts.store.group_tables import group_members
from provider.accounts.store.roles import user_roles
from provider.accounts.store.users import NEVER, Status, users
from provider.audit.store import audit_events
from provider.operators.audit import audit_log
from provider.operators.lists.listing import Listing
from provider.operators.lists.sessions import SESSIONS
from provider.operators.lists.users import USERS
from provider.sessions.store import sessions
from provider.work import UnitOfWork
from tests.admin.conftest import Console
from tests.oauth.store.test_indexes import executed
from tests.support.attributes import declare
from tests.support.installation import Work

pytestmark = pytest.mark.also_on_postgresql

FEW, MANY, PAGE, STAFF = 400, 4000, 25, 10


def fill(work: UnitOfWork, start: int, end: int, *, idle: timedelta = timedelta(0)) -> None:
    """Add users with an address, a session and an event each. One of 100 used another provider, and another network.
    The sessions were last used that much longer ago. Ten users are staff with a second factor, all others customers.
    A group of the same name has them, too, and gives the role. An attribute says it a third time.
    """
    of_users = (users, email_addresses, user_roles, group_members, attribute_values)
    tables = (*of_users, two_factor_choices, sessions, audit_events)
    attribute = find_attribute(work, "kind")
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in tables}
    for n in range(start, end):
        key, at = f"00000000-0000-7000-8000-{n:012}", work.now - timedelta(seconds=n)
        rare = n % 100 == 99
        user = {"id": key, "status": Status.ACTIVE, "created_at": at, "updated_at": at}
        user["last_sign_in_at"] = at if n < STAFF else NEVER
        rows[users].append({**user, "claims": {}, "roles": []})
        address = f"user{n * 7919 % 100_000}@example.com"
        rows[email_addresses].append(
            {"id": key, "user_id": key, "address": address, "normal": address, "created_at": at, "verified_at": at}
        )
        kind = "staff" if n < STAFF else "customer"
        rows[user_roles].append({"role": kind, "user_id": key})
        rows[group_members].append({"group_name": kind, "user_id": key})
        value = {"attribute_id": attribute.id, "value": f'"{kind}"', "search_key": kind, "updated_at": at}
        rows[attribute_values].append({"user_id": key, **value})
        rows[two_factor_choices] += [{"user_id": key, "created_at": at}] if n < STAFF else []
        session = {"id": key, "user_id": key, "digest": n.to_bytes(32), "created_at": at, "auth_time": at}
        session |= {"last_seen": at - idle, "expires_at": work.now + timedelta(days=1, seconds=n * 7919 % 100_000)}
        rows[sessions].append({**session, "amr": "fed" if rare else "pwd", "network": "", "user_agent": ""})
        event = {"id": key, "at": at, "name": "account.suspended" if rare else "session.signed_in", "user_agent": ""}
        event |= {"details": {"operator": f"user {key[:-4]}0000"} if rare else {}, "request_id": ""}
        rows[audit_events].append({**event, "network": "192.0.2.7" if rare else f"198.51.{n % 250}.1"})
    for table, values in rows.items():
        if values:
            work.db.execute(insert(table), values)


@pytest.fixture(autouse=True)
def _declared(work: Work) -> None:
    declare(work, "kind", searchable=True)
    with work() as w:
        for name in ("staff", "customer"):
            put_group(w, name, GroupSettings(roles=(name,)))


def listed(listing: Listing, *, sort: str, further: bool = False, **values: str) -> Callable[[UnitOfWork], object]:
    def act(work: UnitOfWork) -> object:
        conditions, _ = listing.conditions(work, values)
        order = listing.order(sort)
        found = listing.find_page(work, "", conditions, order=order, after=None, limit=PAGE)
        if further:
            found = listing.find_page(work, "", conditions, order=order, after=found[1], limit=PAGE)
        return found[0]

    return act


def logged(**wanted: str) -> Callable[[UnitOfWork], object]:
    return lambda work: audit_log.find_page(work, audit_log.Filters(**wanted), after=None, limit=PAGE)[0]  # type: ignore[arg-type]


PAGES: dict[str, Callable[[UnitOfWork], object]] = {
    "users by email address": listed(USERS, sort="email"),
    "users by email address, from the last": listed(USERS, sort="-email", further=True),
    "users by creation": listed(USERS, sort="-created", further=True),
    "the few users with a second factor": listed(USERS, sort="-created", two_factor="on"),
    "the few users with a role": listed(USERS, sort="-created", role="staff"),
    "the few users who signed in": listed(USERS, sort="-created", signed_in="yes"),
    "the many users who never signed in": listed(USERS, sort="-created", signed_in="no"),
    "the many users who signed in before a day": listed(USERS, sort="-created", signed_in_to="2020-01-01"),
    "many users with a role": listed(USERS, sort="-created", role="customer"),
    "the few users in a group": listed(USERS, sort="-created", group="staff"),
    "many users in a group": listed(USERS, sort="-created", group="customer"),
    "the few users with an attribute": listed(USERS, sort="-created", attribute="kind:staff"),
    "many users with an attribute": listed(USERS, sort="-created", attribute="kind:customer"),
    "sessions by last use": listed(SESSIONS, sort="-last_used", further=True),
    "sessions by sign-in": listed(SESSIONS, sort="-signed_in"),
    "sessions by expiry": listed(SESSIONS, sort="-expires"),
    "sessions with a rare method": listed(SESSIONS, sort="-last_used", method="fed"),
    "sessions with a method that none has": listed(SESSIONS, sort="-expires", method="mfa"),
    "sessions with a frequent method": listed(SESSIONS, sort="-last_used", method="pwd"),
    "events of an operator": logged(operator="user 00000000-0000-7000-8000-000000000000"),
    "events of a network": logged(network="192.0.2.7"),
}


IDLE: dict[str, Callable[[UnitOfWork], object]] = {
    "sessions by sign-in, the oldest first": listed(SESSIONS, sort="signed_in", further=True),
    "sessions of an app by sign-in, the oldest first": listed(SESSIONS, sort="signed_in", app="shop", method="pwd"),
    "sessions by expiry, the first one first": listed(SESSIONS, sort="expires", further=True),
}


def rows_read(db: Connection, statements: dict[str, Any]) -> int:
    """How many rows PostgreSQL reads for these statements, those that it filters out included."""
    total = 0
    for statement, parameters in statements.items():
        plan = db.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).scalar_one()
        todo = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
        while todo:
            node = todo.pop()
            todo += node.get("Plans", [])
            if "Scan" in node["Node Type"]:
                total += node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    return int(total)


def cost(work: UnitOfWork, act: Callable[[UnitOfWork], object]) -> int:
    """Rows read on PostgreSQL, hundreds of steps of SQLite's virtual machine."""
    if not work.installation.database.is_sqlite:
        with executed(work.installation.database.engine) as statements:
            act(work)
        return rows_read(work.db, statements)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection: Any = work.db.connection.driver_connection
    connection.set_progress_handler(count, 100)
    act(work)
    connection.set_progress_handler(None, 0)
    return steps


def test_a_page_reads_as_few_rows_of_a_large_table_as_of_a_small_one(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.operators.lists.sessions.RARE", 100)
    monkeypatch.setattr("provider.operators.lists.users.RARE", 100)
    costs: list[dict[str, int]] = []
    for start, end in ((0, FEW), (FEW, MANY)):
        with work() as w:
            fill(w, start, end)
        with work() as w:
            if not w.installation.database.is_sqlite:
                w.db.exec_driver_sql("ANALYZE")  # as autovacuum does
                # A few thousand rows are read whole otherwise, from the table or from the index.
                w.db.exec_driver_sql("SET enable_seqscan = off")
                w.db.exec_driver_sql("SET enable_bitmapscan = off")
            costs.append({name: cost(w, act) for name, act in PAGES.items()})
    larger = {name: (few, costs[1][name]) for name, few in costs[0].items() if costs[1][name] > 3 * few + 100}
    assert larger == {}


def test_the_oldest_sign_ins_are_found_among_many_idle_sessions(work: Work) -> None:
    costs: list[dict[str, int]] = []
    for start, end in ((0, FEW), (FEW, MANY)):
        with work() as w:
            fill(w, start, end, idle=timedelta(days=1 if start else 0))
        with work() as w:
            if not w.installation.database.is_sqlite:
                w.db.exec_driver_sql("ANALYZE")
                w.db.exec_driver_sql("SET enable_seqscan = off")
            costs.append({name: cost(w, act) for name, act in IDLE.items()})
            assert IDLE["sessions by sign-in, the oldest first"](w)
    larger = {name: (few, costs[1][name]) for name, few in costs[0].items() if costs[1][name] > 2 * few + 100}
    assert larger == {}


@pytest.mark.slow
@pytest.mark.only_on("postgresql")
def test_a_list_is_planned_for_what_it_shows_however_often_it_was_asked_for(console: Console, work: Work) -> None:
    """A plan for any value would read all users where one in a thousand has the attribute."""
    with work() as w:
        fill(w, 0, STAFF)
    for _ in range(7):  # the driver prepares what it ran five times
        console.browser.open("/admin/users?attribute=kind:staff")
    with work() as w:
        prepared = set(w.read.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars())
    assert not [statement for statement in prepared if "FROM users" in statement and "LIMIT" in statement]
