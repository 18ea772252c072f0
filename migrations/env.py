"""How Alembic runs our migrations: one transaction for all of them, one migrator at a time, plain types in files."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, create_engine, event, make_url, pool, text
from sqlalchemy.types import TypeDecorator

from provider.database.types import Digest
from provider.environment import load_settings
from provider.settings import Settings
from provider.tables import metadata

MIGRATION_LOCK = 0x5167_6E65
"""PostgreSQL advisory lock: a second `signet migrate` waits for the first and then finds nothing to do."""


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


OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "render_as_batch": True,  # SQLite alters a table by copying it
    "render_item": plain_type,
    "transactional_ddl": True,
}


def print_sql() -> None:
    url = make_url(settings().database_url)
    context.configure(dialect_name=url.get_backend_name(), literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run(connection: Connection) -> None:
    context.configure(connection=connection, **OPTIONS)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()


def connect_and_run() -> None:
    url = make_url(settings().database_url)
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        # The driver would commit before each DDL statement; this way a migration that fails leaves nothing behind.
        # Foreign keys stay off here: copying a table drops the old one, which must not cascade.
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        run(connection)
    engine.dispose()


if context.is_offline_mode():
    print_sql()
else:
    connect_and_run()
