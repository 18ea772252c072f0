"""The parts of a large JSON document, which is never all in memory: chosen arrays element by element."""

import codecs
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from provider.accounts.importing.files import UnreadableFile

CHUNK = 256 * 1024
LARGEST = 64 * 1024 * 1024
"""The most characters of one value."""


@dataclass(frozen=True)
class Entry:
    """A member of the document, or an element of an array of it. `line` is where it begins."""

    name: str
    value: Any
    line: int


def read_entries(file: BinaryIO, *, arrays: Collection[str] = ()) -> Iterator[Entry]:
    """Yield the members of a JSON object; those named in `arrays` element by element. Of a document that is an array
    itself, yield the elements, without a name. Raises UnreadableFile.
    """
    scanner = _Scanner(file)
    try:
        if scanner.take("["):
            yield from scanner.elements("")
        elif scanner.take("{"):
            yield from _members(scanner, arrays)
        else:
            raise UnreadableFile("The file is not a JSON object or array.")
    except UnicodeError:
        raise UnreadableFile("The file is not UTF-8.") from None


def read_lines(file: BinaryIO) -> Iterator[Entry]:
    """Yield the values of JSON lines, or the elements of a JSON array. Raises UnreadableFile."""
    scanner = _Scanner(file)
    try:
        if scanner.take("["):
            yield from scanner.elements("")
            return
        while scanner.peek():
            line = scanner.line
            yield Entry("", scanner.value(), line)
    except UnicodeError:
        raise UnreadableFile("The file is not UTF-8.") from None


def _members(scanner: "_Scanner", arrays: Collection[str]) -> Iterator[Entry]:
    while not scanner.take("}"):
        name = scanner.value()
        scanner.require(":")
        if name in arrays and scanner.take("["):
            yield from scanner.elements(name)
        else:
            line = scanner.line
            yield Entry(str(name), scanner.value(), line)
        if not scanner.take(",") and scanner.peek() != "}":
            raise scanner.malformed()


class _Scanner:
    """A position in the text of a document, of which a part is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._decoder = file, json.JSONDecoder()
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer, self._at, self._is_over = "", 0, False
        self._line, self._counted = 1, 0
        """The line of this place in the buffer: each line break is counted once."""

    @property
    def line(self) -> int:
        self.peek()
        self._count_lines()
        return self._line

    def malformed(self) -> UnreadableFile:
        return UnreadableFile(f"The file is not valid JSON near line {self.line}, or it is incomplete.")

    def peek(self) -> str:
        """Return the next character that is not white space, or "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._buffer) or not self._fill():
                return self._buffer[self._at : self._at + 1]

    def take(self, character: str) -> bool:
        """Move past this character if it comes next. Return whether it did."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def require(self, character: str) -> None:
        if not self.take(character):
            raise self.malformed()

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                value, end = None, len(self._buffer)
                if self._is_over:
                    raise self.malformed() from None
            except RecursionError:
                raise self.malformed() from None
            if end < len(self._buffer) or self._is_over:  # a number may continue in the part that is not read yet
                self._at = end
                return value
            self._fill()

    def elements(self, name: str) -> Iterator[Entry]:
        """Yield the elements of an array whose opening bracket was read."""
        while not self.take("]"):
            line = self.line
            yield Entry(name, self.value(), line)
            if not self.take(",") and self.peek() != "]":
                raise self.malformed()

    def _fill(self) -> bool:
        """Read at least as much as is unread, so that a long value is parsed few times. Return False at the end."""
        left = len(self._buffer) - self._at
        if left > LARGEST:
            raise UnreadableFile("A value in the file is too large, or the file is not valid JSON.")
        read = self._file.read(max(CHUNK, left))
        more = self._text.decode(read, final=not read)
        self._count_lines()
        self._buffer, self._at, self._counted = self._buffer[self._at :] + more, 0, 0
        self._is_over = not read
        return bool(read)

    def _count_lines(self) -> None:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
