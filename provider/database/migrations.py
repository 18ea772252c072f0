"""Where the schema stands, and moving it. Alembic is imported only to move: serving needs to know, not to migrate."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.exc import OperationalError

from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.database.engine import Database
from provider.resources import MIGRATIONS

BASE = "base"
"""Before the first migration: an empty database."""
HEAD = "0019"
"""The newest migration; a test compares it with the files, so that serving need not read them."""

_version = table("alembic_version", column("version_num"))


def current(connection: Connection) -> str | None:
    """The revision this database is at; None when it is empty."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.scalar(select(_version.c.version_num))


def is_current(database: Database) -> bool:
    """Is the schema the one this code was written for?"""
    with database.engine.connect() as connection:
        return current(connection) == HEAD


def require_current(database: Database) -> None:
    """Raises SettingsError, one line for the operator, when the schema is not the one this code was written for."""
    with database.engine.connect() as connection:
        at = current(connection)
    if at is None:
        raise SettingsError("the database is empty; run `signet migrate` first")
    if at != HEAD:
        raise SettingsError(f"the database is at revision {at}, this version needs {HEAD}; run `signet migrate`")


OnStep = Callable[[str], object]
"""Told of each step when it is done."""


def migrate(
    settings: Settings,
    revision: str = "head",
    *,
    sql: bool = False,
    at: str | None = None,
    on_step: OnStep = lambda _step: None,
) -> None:
    """Move the schema to `revision`, up or down, a step at a time; what is done is kept. With `sql` print the
    statements instead of running them.

    `at` is where the database stands (`current`): what lies behind it is a way down. Raises SettingsError.
    """
    from alembic import command  # noqa: PLC0415  # 60 ms that serving does not need
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["settings"] = settings
    config.attributes["told"] = lambda *, step, **_: on_step(_described(step.up_revision))
    try:
        passed = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions(head=at)} if at else set()
        down = revision == BASE or revision.startswith("-") or (revision != at and revision in passed)
        if down:
            command.downgrade(config, f"{at}:{revision}" if sql else revision, sql=sql)
        else:
            command.upgrade(config, f"{at}:{revision}" if sql and at else revision, sql=sql)
    except CommandError as error:
        raise SettingsError(str(error)) from None
    except OperationalError as error:
        if not _is_lock_timeout(error):
            raise
        problem = "a table is in use, and was not to be had within 3 seconds"
        raise SettingsError(f"{problem}. What was done is kept: run `signet migrate` again") from None


def _described(script: Any) -> str:
    return f"{script.revision} {' '.join(script.doc.split())}"


def _is_lock_timeout(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available
