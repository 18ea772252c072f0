"""Export and import of an installation as one file of JSON lines, to move to PostgreSQL or to another machine.

The first line is a header, then one line per row follows, then a line with the counts. So a truncated file is noticed.
Secrets are in it as they are stored: as digests, or encrypted with SIGNET_SECRET_KEY, which the new installation needs.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TextIO

from sqlalchemy import Column, Connection, LargeBinary, Table, delete, func, insert, select
from sqlalchemy.exc import DataError, IntegrityError

from provider.accounts.store.users import users
from provider.crypto.vault import VaultError
from provider.database.migrations import current
from provider.database.types import UtcTime
from provider.oauth.clients.store.clients import clients
from provider.tables import metadata
from provider.work import Installation, unit_of_work

FORMAT = 1
PURPOSE = "export"
AT_ONCE = 500
"""How many rows are read or inserted at a time."""

Advance = Callable[[int], object]
"""A function that is called with the number of newly completed rows."""


class NotImported(Exception):
    """A file that cannot be imported; nothing of it was. This is not a Refusal, whose writes would be kept."""


def count_rows(installation: Installation) -> int:
    with installation.database.connect() as db:
        return sum(db.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables)


def export_to(installation: Installation, out: TextIO, advance: Advance = lambda _rows: None) -> dict[str, int]:
    """Write every row, as of one moment; other writes continue meanwhile.

    Returns how many rows of each table were written.
    """
    counts: Counter[str] = Counter()
    with _snapshot(installation) as db:
        header = {
            "signet_export": FORMAT,
            "revision": current(db),
            "issuer": installation.settings.issuer,
            "key": installation.vault.encrypt(PURPOSE.encode(), purpose=PURPOSE, context=""),
        }
        _write(out, header)
        for table in metadata.sorted_tables:
            for row in db.execute(select(table).execution_options(yield_per=AT_ONCE)):
                values = {column.name: _as_json(value) for column, value in zip(table.columns, row, strict=True)}
                _write(out, {"table": table.name, "row": values})
                counts[table.name] += 1
                advance(1)
    _write(out, {"rows": counts})
    return dict(counts)


def import_from(
    installation: Installation, lines: Iterable[str], advance: Advance = lambda _rows: None
) -> dict[str, int]:
    """Import a file into a migrated installation without users and applications. Returns how many rows of each table.

    Imports all of it, or raises NotImported and imports nothing.
    """
    read = _read(lines)
    counts: Counter[str] = Counter()
    with unit_of_work(installation) as work:
        _require_importable(installation, work.read, next(read, {}))
        if work.read.scalar(select(users.c.id).limit(1)) or work.read.scalar(select(clients.c.client_id).limit(1)):
            raise NotImported("This installation already has users or applications. Import into a new one.")
        for table in reversed(metadata.sorted_tables):  # what setting up made: keys, a salt
            work.db.execute(delete(table))
        said: dict[str, int] | None = None
        for name, group in groupby(read, key=lambda entry: entry.get("table")):
            if name is None:
                said = next(group).get("rows")
                break
            table = metadata.tables.get(name)
            if table is None:
                raise NotImported(f"The file has a table {name!r} that this version does not have.")
            while rows := [_values(table, entry.get("row")) for entry in islice(group, AT_ONCE)]:
                try:
                    work.db.execute(insert(table), rows)
                except (IntegrityError, DataError):
                    raise NotImported(f"Rows of {name} conflict with each other.") from None
                counts[name] += len(rows)
                advance(len(rows))
        if said != counts or next(read, None) is not None:
            raise NotImported("The file is incomplete or was changed: the number of rows differs from its last line.")
    return dict(counts)


@contextmanager
def _snapshot(installation: Installation) -> Iterator[Connection]:
    """Yield a connection that sees the database as of one moment."""
    database = installation.database
    with database.connect() as db:
        begin = "BEGIN" if database.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        db.exec_driver_sql(begin)
        try:
            yield db
        finally:
            db.exec_driver_sql("ROLLBACK")


def _require_importable(installation: Installation, db: Connection, header: dict[str, Any]) -> None:
    if header.get("signet_export") != FORMAT:
        raise NotImported("The file is not from `signet export`, or from another version of it.")
    if header.get("revision") != current(db):
        raise NotImported(
            f"The file has revision {header.get('revision')}, but this database has {current(db)}. "
            "Export and import with the same version of Signet."
        )
    try:
        installation.vault.decrypt(str(header.get("key")), purpose=PURPOSE, context="")
    except VaultError:
        raise NotImported(
            "SIGNET_SECRET_KEY is not the one that the file was exported with. Set it to that key."
        ) from None


def _read(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise NotImported(f"Line {number} is not valid JSON.") from None
        if not isinstance(entry, dict):
            raise NotImported(f"Line {number} is not a JSON object.")
        yield entry


def _write(out: TextIO, entry: dict[str, Any]) -> None:
    out.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _values(table: Table, row: object) -> dict[str, Any]:
    if not isinstance(row, dict) or row.keys() != {column.name for column in table.columns}:
        raise NotImported(f"A row of {table.name} has unknown or missing columns.")
    try:
        return {column.name: _from_json(column, row[column.name]) for column in table.columns}
    except (ValueError, TypeError, binascii.Error):
        raise NotImported(f"A row of {table.name} has a value of the wrong type.") from None


def _from_json(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value, validate=True)
    return datetime.fromisoformat(value) if isinstance(column.type, UtcTime) else value
