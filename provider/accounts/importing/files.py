"""The rows of a file of users, CSV or JSON lines. They are read one by one, to save memory."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

from provider.accounts.importing.moving import NOTHING, Moved
from provider.accounts.importing.rows import ATTRIBUTE, COLUMNS, is_column
from provider.languages.text import Text
from provider.refusals import Refusal

LONGEST_LINE = 64 * 1024
"""The most characters of a line."""
SEPARATORS = ",;\t"
NO_NAMES: Mapping[str, str] = MappingProxyType({})
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class UnreadableFile(Refusal):
    """A file that can't be read as users. The message says why, without any of its content except column names."""

    code = "unreadable-file"
    title = Text("File not readable")
    message = Text("The file can't be read as users.")


@dataclass(frozen=True)
class Row:
    """A row as it is in the file. `line` is the number of its first line."""

    line: int
    values: Mapping[str, Any]
    problem: Text | None = None
    """Why the row can't be read, or None."""
    moved: Moved = NOTHING
    """What the user brings along from another system."""


def read_rows(file: BinaryIO, *, attributes: Mapping[str, str] = NO_NAMES) -> Iterator[Row]:
    """Yield the rows of a file in UTF-8 or UTF-16, with or without a byte order mark. The separator of CSV is a comma,
    semicolon or tab. `attributes` names the attribute for each column that is called something else. Raises
    UnreadableFile.
    """
    renamed = {column: f"{ATTRIBUTE}{name}" for column, name in attributes.items()}
    start = file.read(2)
    encoding = dict(_BOMS).get(start, "utf-8-sig")
    text = io.TextIOWrapper(io.BufferedReader(_Joined(start, file)), encoding=encoding, newline="")
    try:
        lines = _lines(text)
        first = next(lines, None)
        if first is None:
            raise UnreadableFile(Text("The file is empty."))
        read = _json_rows(first, lines, renamed) if first.lstrip().startswith("{") else _csv_rows(first, lines, renamed)
        yield from read
    except UnicodeError:
        raise UnreadableFile(Text("The file is not UTF-8 or UTF-16. Save it as UTF-8 and try again.")) from None


class _Joined(io.RawIOBase):
    """A stream of these bytes and what follows them."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._start[: len(buffer)] or self._rest.read(len(buffer))
        self._start = self._start[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _lines(text: io.TextIOBase) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise UnreadableFile(Text("A line is longer than %(count)s characters.", count=LONGEST_LINE))
        yield line


def _csv_rows(first: str, rest: Iterator[str], renamed: Mapping[str, str]) -> Iterator[Row]:
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(_with(first, rest), delimiter=separator, strict=True)
    try:
        header = [renamed.get(name.strip(), name.strip()) for name in next(reader, [])]
        _require_columns(header)
        line = reader.line_num + 1
        for values in reader:
            if len(values) > len(header):
                yield Row(line, {}, Text("The row has more values than there are columns."))
            elif any(value.strip() for value in values):
                yield Row(line, dict(zip(header, values, strict=False)))
            line = reader.line_num + 1
    except csv.Error:
        raise UnreadableFile(
            Text("Line %(line)s is not valid CSV. Check its quotation marks.", line=reader.line_num)
        ) from None


def _with(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _require_columns(header: list[str]) -> None:
    known = ", ".join(COLUMNS)
    if "email" not in header:
        raise UnreadableFile(
            Text("The first line must name the columns, one of them email. Known columns: %(columns)s.", columns=known)
        )
    for name in header:
        if not is_column(name):
            raise UnreadableFile(
                Text("There is no column %(name)s. Known columns: %(columns)s.", name=repr(name[:100]), columns=known)
            )
        if header.count(name) > 1:
            raise UnreadableFile(Text("The column %(name)s is in the file twice.", name=name))


def _json_rows(first: str, rest: Iterator[str], renamed: Mapping[str, str]) -> Iterator[Row]:
    for number, line in enumerate(_with(first, rest), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, {}, Text("The line is not valid JSON."))
            continue
        if not isinstance(values, dict):
            yield Row(number, {}, Text("The line is not a JSON object."))
            continue
        values = {renamed.get(name, name): value for name, value in values.items()}
        for member in ("claims", "address"):  # as the admin API has them
            nested = values.get(member)
            if isinstance(nested, dict):
                values = {name: value for name, value in values.items() if name != member} | nested
        attributes = values.get("attributes")
        if isinstance(attributes, dict):
            others = {name: value for name, value in values.items() if name != "attributes"}
            values = others | {f"{ATTRIBUTE}{name}": value for name, value in attributes.items()}
        if unknown := sorted(name for name in values if not is_column(name)):
            yield Row(number, values, Text("There is no member %(name)s.", name=ascii(unknown[0][:100])))
        else:
            yield Row(number, values)
