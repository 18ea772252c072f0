"""The parts of a file of users: a few rows each, encrypted, because they hold personal data and password hashes."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from provider.accounts.importing.files import Row, UnreadableFile, read_rows
from provider.accounts.importing.rows import InvalidRow, texts_of
from provider.crypto.vault import Vault
from provider.languages.text import Text
from provider.operators.imports import store
from provider.operators.imports.rows import Result, without_repeats
from provider.operators.imports.store import Part
from provider.work import UnitOfWork

ROWS = 20
"""How many rows are imported in one transaction."""
MAX_FILE = 16 * 1024 * 1024
"""The largest file in bytes. The command line takes larger ones."""
MAX_ROWS = 200_000
PURPOSE = "user-import"


@dataclass(frozen=True)
class Failure:
    """A row that failed: its line in the file, the email address as it can be shown, and the reason."""

    line: int
    email: str
    problem: Text


Place = tuple[int, int]
"""Where a page of failures begins: the number of a part, and how many failures of it come before."""


def read_parts(content: bytes) -> Iterator[list[Row]]:
    """Yield the rows of a file, a few at a time. Raises UnreadableFile."""
    if len(content) > MAX_FILE:
        raise UnreadableFile(Text("The file is larger than %(size)s MB. Split it.", size=MAX_FILE // 1024 // 1024))
    rows = without_repeats(map(_plain, read_rows(io.BytesIO(content))))
    number = 0
    while part := list(islice(rows, ROWS)):
        number += len(part)
        if number > MAX_ROWS:
            raise UnreadableFile(Text("The file has more than %(count)s rows. Split it.", count=MAX_ROWS))
        yield part
    if not number:
        raise UnreadableFile(Text("The file has no users, only the names of the columns."))


def seal_rows(vault: Vault, import_id: str, number: int, rows: Iterable[Row]) -> str:
    plain = [[row.line, dict(row.values), _as_json(row.problem)] for row in rows]
    return _seal(vault, plain, f"{import_id}/{number}")


def open_rows(vault: Vault, part: Part) -> list[Row]:
    """Return the rows of a part; none if they are deleted. Raises VaultError."""
    rows = _open(vault, part.rows, f"{part.import_id}/{part.number}")
    return [Row(line, values, None if problem is None else _from_json(problem)) for line, values, problem in rows]


def with_failures(vault: Vault, part: Part, results: Iterable[Result]) -> Part:
    """Return the part with the failures among the results, in place of those it had."""
    failures = [[one.line, one.email, _as_json(one.problem)] for one in results if one.problem]
    context = f"{part.import_id}/{part.number}/failures"
    sealed = _seal(vault, failures, context) if failures else None
    return replace(part, failures=sealed, failed=len(failures))


def find_failures(
    work: UnitOfWork, import_id: str, *, after: Place = (0, 0), limit: int
) -> tuple[list[Failure], Place | None]:
    """Return the rows of an import that failed, in the order of the file, and where the next page begins."""
    found: list[tuple[Place, Failure]] = []
    for part in store.find_failed_parts(work.read, import_id, first=after[0], limit=limit + 1):
        opened = _open(work.vault, part.failures, f"{part.import_id}/{part.number}/failures")
        found += [
            ((part.number, place), Failure(line, email, _from_json(problem)))
            for place, (line, email, problem) in enumerate(opened)
            if (part.number, place) >= after
        ]
        if len(found) > limit:
            break
    return [failure for _, failure in found[:limit]], found[limit][0] if len(found) > limit else None


def _plain(row: Row) -> Row:
    """Return the row with its values as text."""
    try:
        return replace(row, values=texts_of(row.values))
    except InvalidRow as invalid:
        email = row.values.get("email")
        values = {"email": email} if isinstance(email, str) else {}
        return replace(row, values=values, problem=row.problem or invalid.problem)


def _seal(vault: Vault, value: object, context: str) -> str:
    return vault.encrypt(json.dumps(value).encode(), purpose=PURPOSE, context=context)


def _open(vault: Vault, sealed: str | None, context: str) -> list[Any]:
    if sealed is None:
        return []
    opened: list[Any] = json.loads(vault.decrypt(sealed, purpose=PURPOSE, context=context))
    return opened


def _as_json(text: str | None) -> Any:
    """Return a message as JSON, so that it can be translated where it is shown."""
    if not isinstance(text, Text):
        return text
    values = {
        name: value if isinstance(value, int) else _as_json(value if isinstance(value, str) else str(value))
        for name, value in text.values.items()
    }
    return {"message": text.message, "plural": text.plural, "values": values}


def _from_json(kept: Any) -> Text:
    if isinstance(kept, str):
        return Text(kept)
    values: Mapping[str, Any] = {
        name: _from_json(value) if isinstance(value, dict) else value for name, value in kept["values"].items()
    }
    message, plural = kept["message"], kept["plural"]
    return Text(message, **values) if plural is None else Text.counted(message, plural, **values)
