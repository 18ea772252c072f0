"""Monthly partitions on PostgreSQL: made ahead, dropped when old, and no insert fails for the lack of one."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, insert, select, text
from sqlalchemy.event import listen

from provider.audit import store
from provider.audit.store import audit_events
from provider.database import partitions
from provider.database.base import new_id
from provider.database.migrations import HEAD, migrate
from provider.installation import open_installation
from provider.oauth.store import refusals
from provider.outbox.store import DeliveryState, outbox
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from provider.worker import partitions as maintenance
from provider.worker.jobs import BATCH, purge
from tests.support.clock import Clock
from tests.support.databases import create_postgres_database
from tests.support.installation import settings_for

EVENT = {"name": "x", "network": "", "user_agent": "", "request_id": "", "details": {"operator": "user 1"}}
REFUSAL = {"endpoint": "token", "network": "", "error": "invalid_grant", "description": "", "checks": []}
MESSAGE = {"topic": "mail", "about": "", "attempts": 1}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def months_url(worker_id: str) -> str:
    """A database of this module's own: what it drops would be missing elsewhere."""
    url = create_postgres_database(f"signet_{worker_id}_months")
    migrate(settings_for(url))
    return url


@pytest.fixture
def database_url(months_url: str) -> str:
    engine = create_engine(months_url)
    with engine.begin() as db:
        for table in (audit_events, refusals, outbox):
            db.execute(table.delete())
    engine.dispose()
    return months_url


@pytest.fixture
def installation(database_url: str, clock: Clock) -> Iterator[Installation]:
    installation = open_installation(settings_for(database_url), clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


def add_events(db: Connection, *times: datetime) -> None:
    db.execute(insert(audit_events), [{"id": new_id(), "at": at, **EVENT} for at in times])


def events_by_partition(db: Connection) -> dict[str, int]:
    rows = db.execute(text("SELECT CAST(tableoid AS regclass)::text, count(*) FROM audit_events GROUP BY 1"))
    return {row[0]: row[1] for row in rows}


def begin(installation: Installation, clock: Clock, year: int) -> None:
    """Move to a year that no other test uses, and make its months."""
    clock.now = datetime(year, 6, 15, 12, tzinfo=UTC)
    purge(installation)


def test_the_purge_makes_the_next_months_and_drops_those_that_are_no_longer_kept(
    installation: Installation, clock: Clock
) -> None:
    begin(installation, clock, 2040)
    with unit_of_work(installation) as work:
        assert not partitions.find_missing(work.read, "audit_events", now=clock.now)
        assert partitions.find_missing(work.read, "audit_events", now=clock.now + 31 * DAY)
        add_events(work.db, clock.now, clock.now + 40 * DAY)
        work.db.execute(insert(refusals), {"error_id": "e1", "at": clock.now, **REFUSAL})
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    listen(installation.database.engine, "before_cursor_execute", note)
    for later, left in ((380 * DAY, 2), (9 * DAY, 1), (40 * DAY, 0)):  # 365 days, and to the end of the month
        clock.advance(later)
        done = purge(installation)
        with unit_of_work(installation) as work:
            assert work.read.scalar(select(func.count()).select_from(audit_events)) == left
            assert not work.read.execute(select(refusals)).all()
            assert not partitions.find_missing(work.read, "audit_events", now=clock.now)
        assert done["audit events"] == done["refusals"] == 0, "by row"
    assert done["months of audit events"] == 1
    locked = {each.split()[3] for each in statements if each.startswith("LOCK TABLE ONLY")}
    assert locked <= {"outbox"}, "the others are locked by the DROP TABLE alone, and nothing is asked meanwhile"


def test_a_row_without_a_month_is_stored_and_purged_all_the_same(installation: Installation, clock: Clock) -> None:
    begin(installation, clock, 2050)
    far = clock.now + 300 * DAY
    with unit_of_work(installation) as work:
        add_events(work.db, *[far] * (BATCH + 1))
    clock.now = far
    purge(installation)
    with unit_of_work(installation) as work:
        month = partitions.first_of_month(far)
        assert partitions.find_missing(work.read, "audit_events", now=clock.now) == [month]  # it would take them along
        add_events(work.db, far, far + 60 * DAY)
        found = events_by_partition(work.db)
    assert found["audit_events_default"] == BATCH + 2
    assert len(found) == 2
    clock.advance(400 * DAY)
    assert purge(installation)["audit events"] == BATCH + 2
    with unit_of_work(installation) as work:
        assert list(events_by_partition(work.read).values()) == [1]


def test_a_month_with_a_message_that_waits_is_kept_until_it_is_delivered(
    installation: Installation, clock: Clock
) -> None:
    """F-8: however long no worker ran, a message is not lost."""
    begin(installation, clock, 2060)
    times = {"created_at": clock.now, "next_at": clock.now}
    waiting, sent = new_id(), new_id()
    states = ((waiting, DeliveryState.WAITING), (sent, DeliveryState.SENT))
    with unit_of_work(installation) as work:
        rows = [{"id": one, "state": state, **times, **MESSAGE} for one, state in states]
        work.db.execute(insert(outbox), rows)
    clock.advance(90 * DAY)
    assert purge(installation)["outbox"] == 1
    with unit_of_work(installation) as work:
        assert work.read.scalars(select(outbox.c.id)).all() == [waiting]
        work.db.execute(outbox.update().values(state=DeliveryState.SENT, next_at=clock.now))
    for later, is_kept in ((29 * DAY, True), (2 * DAY, False)):
        clock.advance(later)
        purge(installation)
        with unit_of_work(installation) as work:
            assert bool(work.read.scalars(select(outbox.c.id)).all()) == is_kept
            assert ("outbox_2060_06" in [one.name for one in partitions.find(work.read, "outbox")]) == is_kept


def test_a_table_in_use_is_left_to_the_next_purge(
    installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request waits for the purge no longer than 50 ms, so the purge does not wait for a long transaction."""
    monkeypatch.setattr(maintenance, "TRIES", 2)
    monkeypatch.setattr(maintenance, "PAUSE", 0)
    begin(installation, clock, 2070)
    with unit_of_work(installation) as work:
        add_events(work.db, clock.now)
    clock.advance(400 * DAY)
    reader = create_engine(installation.settings.database_url)
    with reader.begin() as db:
        assert len(events_by_partition(db)) == 1
        assert purge(installation)["months of audit events"] == 0
    reader.dispose()
    assert purge(installation)["months of audit events"] > 0


def test_a_month_that_a_node_of_the_previous_release_drops_meanwhile_is_no_error(
    installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not queue for the name, so the partition may be gone once the lock is there."""
    begin(installation, clock, 2093)
    with unit_of_work(installation) as work:
        found = partitions.find(work.read, "audit_events")
        one = next(each for each in found if each.has(clock.now))
        assert partitions.drop(work.db, audit_events.c.at, one)
    monkeypatch.setattr(partitions, "find", lambda _db, _name: found)
    with unit_of_work(installation) as work:
        partitions.drop(work.db, audit_events.c.at, one)


def test_a_role_that_may_not_create_tables_still_purges_and_inserts(
    installation: Installation, clock: Clock, months_url: str
) -> None:
    begin(installation, clock, 2080)
    engine = create_engine(months_url)
    with engine.begin() as db:
        db.execute(text("DROP ROLE IF EXISTS writer"))
        db.execute(text("CREATE ROLE writer LOGIN"))
        db.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer"))
    try:
        weak = open_installation(
            settings_for(months_url.replace("//signet@", "//writer@")), clock=clock, counter=LimitCounter()
        )
        clock.advance(400 * DAY)
        with unit_of_work(weak) as work:
            add_events(work.db, clock.now, clock.now - 390 * DAY)
        purge(weak)
        with unit_of_work(weak) as work:
            assert events_by_partition(work.read) == {"audit_events_default": 1}
        weak.database.close()
    finally:
        with engine.begin() as db:
            db.execute(text("DROP OWNED BY writer"))
            db.execute(text("DROP ROLE writer"))
        engine.dispose()


def test_the_latest_events_of_many_kinds_are_found_by_their_kind_with_one_plan_for_all(
    installation: Installation, clock: Clock
) -> None:
    """Issue 15: with a plan for each kind and month, PostgreSQL planned for longer than it read.

    By time alone, a kind that is rare, or has ended, would be looked for in every event.
    """
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    rare, frequent = clock.now - timedelta(hours=2), [clock.now - timedelta(minutes=n) for n in range(9)]
    with unit_of_work(installation) as work:
        add_events(work.db, *frequent)
        work.db.execute(insert(audit_events), {"id": new_id(), "at": rare, **EVENT, "name": "rare"})
    listen(installation.database.engine, "before_cursor_execute", note)
    with unit_of_work(installation) as work:
        found = store.find(work.read, names=["none", "rare", "x"], since=rare, limit=10)
        assert [event.at for event in found] == [*frequent, rare]
        assert [event.at for event in store.find(work.read, names=["x", "rare"], until=clock.now, limit=2)] == frequent[
            1:3
        ]
        statement, parameters = asked[0]
        assert statement.count("FROM audit_events") == 1
        work.db.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which is best for so few rows
        plan = "\n".join(work.db.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    used = re.findall(r" using (\w+)", plan)
    assert used, plan
    assert all("_name_at" in each for each in used), plan


def test_each_search_of_the_audit_log_is_planned_for_its_values(installation: Installation) -> None:
    """Issue 15: with one plan for all, a user's activity of a rare kind was looked for in all events of that user."""
    with unit_of_work(installation) as work:
        for _ in range(12):
            store.find(work.read, user_id=new_id(), names=["x"])
        prepared = work.read.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars()
        assert not [each for each in prepared if "FROM audit_events" in each]


@pytest.mark.only_on("postgresql")
def test_a_migration_either_way_keeps_every_row_and_rebuilds_no_index(empty_database_url: str) -> None:
    settings = settings_for(empty_database_url)
    migrate(settings, "0038")
    engine = create_engine(empty_database_url)
    now = datetime.now(UTC)
    times = [now - 800 * DAY, now, now + 100 * DAY]  # one was written by a clock that was wrong

    def rows() -> list[Any]:
        with engine.connect() as db:
            return [sorted(map(str, db.execute(select(table)).all())) for table in (audit_events, refusals, outbox)]

    with engine.begin() as db:
        add_events(db, *times)
        db.execute(insert(refusals), [{"error_id": f"e{n}", "at": at, **REFUSAL} for n, at in enumerate(times)])
        messages = [{"id": new_id(), "state": "due", "created_at": at, "next_at": at, **MESSAGE} for at in times]
        db.execute(insert(outbox), messages)
    before = rows()
    with engine.connect() as db:
        indexes = "SELECT relfilenode FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = '{}'::regclass"
        old = set(db.scalars(text(indexes.format("audit_events"))))
    migrate(settings)
    assert rows() == before
    with engine.connect() as db:
        new = set(db.scalars(text(indexes.format("audit_events_earlier"))))
        assert len(new - old) == 1, "the primary key, made before the table was locked"
        assert events_by_partition(db) == {"audit_events_earlier": 3}
    migrate(settings, "0038", at=HEAD)
    assert rows() == before
    migrate(settings)
    assert rows() == before
    engine.dispose()
