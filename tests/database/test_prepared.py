"""Prepared statements do what SQLAlchemy's `execute` does with the same expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Connection, Integer, MetaData, Table, bindparam, event, insert, select
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError, MultipleResultsFound

from provider.config.settings import Settings
from provider.database.base import new_id
from provider.database.dialect import upsert_for
from provider.database.engine import Database, open_database
from provider.database.outages import DatabaseUnavailable
from provider.database.owners import Owners
from provider.database.prepared import Prepared
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime

pytestmark = pytest.mark.both_databases

things = Table(
    "things",
    MetaData(),
    Column("id", Identifier, primary_key=True),
    Column("digest", Digest, nullable=False),
    Column("at", UtcTime),
    Column("active", Boolean, nullable=False),
    Column("size", Integer, nullable=False),
    Column("details", JSON, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Thing:
    id: str
    digest: bytes
    at: datetime | None
    active: bool
    size: int
    details: Any


THING = rows_of(Thing, things)
ADD = Prepared(insert(things))
LARGE = THING.select().where(things.c.size > 1, things.c.at < bindparam("before"))
FIND_LARGE = THING.prepare(LARGE)
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
SMALL = Thing(new_id(), b"\x00" * 32, None, active=False, size=1, details=[])
BIG = Thing(new_id(), b"\xff" * 32, NOON, active=True, size=2, details={"list": [1, "ü", None]})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    yield database
    database.close()


@pytest.fixture
def db(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        things.create(connection)
        yield connection


def test_what_is_written_and_read_is_the_same_as_with_execute(db: Connection) -> None:
    assert ADD.change(db, values_of(SMALL)) == 1
    db.execute(insert(things), values_of(BIG))
    values = {"before": NOON + timedelta(microseconds=1)}
    for _ in range(3):  # compiled, prepared, repeated
        found = FIND_LARGE.one(db, values)
        assert found == THING.one(db, LARGE, values) == BIG
        assert found is not None
        assert found.at is not None
        assert found.at.tzinfo is UTC
    assert THING.all(db, THING.select().order_by(things.c.size)) == [SMALL, BIG]
    assert FIND_LARGE.one(db, {"before": NOON}) is None


def test_a_statement_may_be_built_for_each_kind_of_database(db: Connection) -> None:
    add = Prepared(
        lambda kind: upsert_for(kind, things).on_conflict_do_nothing().returning(things.c.at), (things.c.at,)
    )
    assert add.scalar(db, values_of(BIG)) == BIG.at
    assert add.scalar(db, values_of(BIG)) is None
    of_size = THING.prepare(THING.select().where(things.c.size >= bindparam("size")).order_by(things.c.size))
    ADD.change(db, values_of(SMALL))
    assert of_size.all(db, {"size": 0}) == [SMALL, BIG]
    assert of_size.all(db, {"size": 3}) == []


def test_owners_are_the_same_for_one_user_and_for_several(db: Connection) -> None:
    ADD.change(db, values_of(SMALL))
    owners = Owners(things.c.id)
    for asked in ([SMALL.id], [BIG.id], [SMALL.id, BIG.id], []):
        assert owners.among(db, asked) == {SMALL.id} & set(asked)


def test_more_than_one_row_is_an_error(db: Connection) -> None:
    for _ in range(2):
        ADD.change(db, values_of(BIG) | {"id": new_id()})
    with pytest.raises(MultipleResultsFound):
        FIND_LARGE.one(db, {"before": NOON + timedelta(days=1)})


def test_a_value_that_is_missing_or_without_a_zone_is_a_bug(db: Connection) -> None:
    with pytest.raises(KeyError):
        FIND_LARGE.one(db, {})
    with pytest.raises(ValueError, match="naive"):
        FIND_LARGE.one(db, {"before": datetime(2026, 11, 21)})  # noqa: DTZ001


def test_a_statement_with_a_list_cannot_be_prepared(db: Connection) -> None:
    with pytest.raises(TypeError, match="list"):
        THING.prepare(THING.select().where(things.c.size.in_([1, 2]))).one(db, {})


def test_an_error_of_the_driver_is_the_one_of_execute_and_tells_no_values(db: Connection) -> None:
    ADD.change(db, values_of(BIG))
    with pytest.raises(IntegrityError) as failed:
        ADD.change(db, values_of(BIG) | {"size": 987654})
    assert "987654" not in str(failed.value)
    assert not db.invalidated


def test_an_error_leaves_the_write_transaction_to_the_unit_of_work(database: Database, db: Connection) -> None:
    """The transaction is ours, so only `end` may end it."""
    database.begin(db)
    ADD.change(db, values_of(BIG))
    with pytest.raises(IntegrityError):
        ADD.change(db, values_of(BIG))
    assert db.connection.dbapi_connection.in_transaction  # type: ignore[union-attr]
    database.end(db, commit=False)
    assert THING.all(db, THING.select()) == []


@pytest.mark.only_on("postgresql")
def test_an_outage_is_one_and_the_connection_is_thrown_away(settings: Settings) -> None:
    database = open_database(settings.model_copy(update={"database_timeout": 2}))
    killed = Prepared(sql("SELECT pg_terminate_backend(pg_backend_pid())"))
    with database.connect() as connection:
        with pytest.raises(DatabaseUnavailable):
            killed.change(connection, {})
        assert connection.invalidated
    with database.connect() as connection, pytest.raises(DatabaseUnavailable, match="57014"):
        Prepared(sql("SELECT pg_sleep(60)")).change(connection, {})
    database.close()


@pytest.mark.only_on("postgresql")
def test_the_server_prepares_a_statement_once(db: Connection) -> None:
    prepared = sql("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%things%size%'")
    for _ in range(3):
        FIND_LARGE.one(db, {"before": NOON})
        assert db.scalar(prepared) == 1


def test_listeners_hear_of_a_statement_and_of_its_failure(
    database: Database, db: Connection, request: pytest.FixtureRequest
) -> None:
    """As traces do (`provider.tracing`)."""
    heard: list[tuple[str, str, Any]] = []
    contexts: set[Any] = set()

    def note(name: str, statement: str, parameters: Any, context: Any) -> None:
        heard.append((name, statement.split(maxsplit=1)[0], parameters))
        contexts.add(context)

    listeners = {
        "before_cursor_execute": lambda *given: note("before", *given[2:5]),
        "after_cursor_execute": lambda *given: note("after", *given[2:5]),
        "handle_error": lambda failed: note("failed", failed.statement, "", failed.execution_context),
    }
    for name, listener in listeners.items():
        event.listen(database.engine, name, listener)
        request.addfinalizer(partial(event.remove, database.engine, name, listener))
    count = Prepared(select(things.c.id).where(things.c.size == bindparam("size")), [things.c.id])
    assert count.rows(db, {"size": 7}) == []
    values = {"size": 7} if database.engine.dialect.name == "postgresql" else (7,)
    assert heard == [("before", "SELECT", values), ("after", "SELECT", values)]
    assert len(contexts) == 1
    ADD.change(db, values_of(BIG))
    heard.clear()
    contexts.clear()
    with pytest.raises(IntegrityError):
        ADD.change(db, values_of(BIG))
    assert [name for name, *_ in heard] == ["before", "failed"]
    assert len(contexts) == 1
