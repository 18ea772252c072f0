"""The schema's revision, and migrating it. Alembic is imported only to migrate: serving needs only the revision."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.exc import OperationalError

from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.database.engine import Database
from provider.resources import MIGRATIONS

BASE = "base"
"""The revision before the first migration: an empty database."""
HEAD = "0067"
"""The newest migration. A test compares it with the files, so that serving need not read them."""

_version = table("alembic_version", column("version_num"))


def current(connection: Connection) -> str | None:
    """Return the revision of this database, or None if it is empty."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.scalar(select(_version.c.version_num))


def require_current(database: Database) -> None:
    """Raise SettingsError, one line for the operator, unless the schema has the revision that this code needs."""
    with database.connect() as connection:
        at = current(connection)
    if at is None:
        raise SettingsError("the database is empty. Run `signet migrate` first")
    if at != HEAD:
        raise SettingsError(f"the database is at revision {at}, but this version needs {HEAD}. Run `signet migrate`")


OnStep = Callable[[str], object]
"""A function that is called with each completed step."""


def migrate(
    settings: Settings,
    revision: str = "head",
    *,
    sql: bool = False,
    at: str | None = None,
    on_step: OnStep = lambda _step: None,
) -> None:
    """Move the schema to `revision`, up or down, one step at a time. Completed steps are kept after a failure.

    With `sql`, print the statements instead of running them. `at` is the revision of the database (`current`);
    revisions before it mean a downgrade. Raises SettingsError.
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
        problem = "a table is in use and could not be locked within 3 seconds"
        raise SettingsError(f"{problem}. Finished steps are kept. Run `signet migrate` again") from None


def _described(script: Any) -> str:
    return f"{script.revision} {' '.join(script.doc.split())}"


def _is_lock_timeout(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available
