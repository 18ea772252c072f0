"""How Alembic runs our migrations: each in a transaction of its own, one migrator at a time, plain types in files.

What is done is kept: a migrator that was killed is followed by one that continues where it stopped. See
docs/development/migrations.md.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, pool, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator

from provider.config.environment import load_settings
from provider.config.settings import Settings
from provider.database.partitions import is_partition
from provider.database.types import Digest
from provider.tables import metadata

MIGRATION_LOCK = 0x5167_6E65
"""PostgreSQL advisory lock: a second `signet migrate` waits for the first, and goes on where that one stopped."""
LOOK_EVERY = 0.2
"""Seconds. Asked over and over, because a statement that waits would hold up CREATE INDEX CONCURRENTLY of the first."""
LOCK_TIMEOUT = "3s"
"""A statement that waits for a table makes every request for it wait behind: better to fail, and be run again."""


def settings() -> Settings:
    given: Settings | None = context.config.attributes.get("settings")
    return given or load_settings()


def plain_type(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """A migration names database types, not ours: it must still run when ours have changed."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return "sa.LargeBinary()" if isinstance(item, Digest) else False


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The indexes of SQLite's full-text search are tables too, which its triggers fill. So are partitions."""
    return kind != "table" or name is None or not ("_fts" in name or is_partition(name))


OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "render_as_batch": True,  # SQLite alters a table by copying it
    "render_item": plain_type,
    "include_name": is_ours,
    "transactional_ddl": True,
}


def print_sql() -> None:
    url = make_url(settings().database_url)
    context.configure(dialect_name=url.get_backend_name(), literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run(connection: Connection) -> None:
    told = context.config.attributes.get("told", lambda **_: None)
    context.configure(connection=connection, transaction_per_migration=True, on_version_apply=told, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


@contextmanager
def alone_on(engine: Engine) -> Iterator[None]:
    """One migrator of a PostgreSQL database at a time. A transaction holds the lock, because behind PgBouncer the
    session is not ours. Between its statements it has no snapshot that CREATE INDEX CONCURRENTLY would wait for.
    """
    with engine.connect() as holder:
        while not holder.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK}):
            holder.rollback()
            time.sleep(LOOK_EVERY)
        holder.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield


def limit_waiting(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


@contextmanager
def alone_at(file: Path) -> Iterator[None]:
    """One migrator of a SQLite database at a time; the lock goes with its process, however that ends."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def postgresql(url: URL) -> Engine:
    """The engine, with a limit for statements outside transactions too: all others limit themselves.

    A pooler refuses or ignores the limit. It must not be SET there: it would stay in a session that belongs to others.
    """
    given = url.query.get("options") or ""
    limit = {"options": f"{given} -c lock_timeout={LOCK_TIMEOUT}".strip()}
    for options in (limit, {}):
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=pool.NullPool,
            connect_args={"prepare_threshold": None, **options},  # a pooler forgets prepared statements
        )
        try:
            engine.connect().close()
        except OperationalError as error:
            if not options or "unsupported startup parameter" not in str(error):
                raise
        else:
            break
    event.listen(engine, "begin", limit_waiting)
    return engine


def connect_and_run() -> None:
    url = make_url(settings().database_url)
    is_postgresql = url.get_backend_name() == "postgresql"
    engine = postgresql(url) if is_postgresql else create_engine(url, poolclass=pool.NullPool)
    alone: AbstractContextManager[None] = alone_on(engine) if is_postgresql else nullcontext()
    if engine.dialect.name == "sqlite":
        # The driver would commit before each DDL statement; this way a migration that fails leaves nothing behind.
        # Foreign keys stay off here: copying a table drops the old one, which must not cascade.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        if url.database and url.database != ":memory:":
            alone = alone_at(Path(f"{url.database}-migrate"))
    with alone, engine.connect() as connection:
        run(connection)
    engine.dispose()


if context.is_offline_mode():
    print_sql()
else:
    connect_and_run()
