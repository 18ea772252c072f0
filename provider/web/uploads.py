"""Multipart forms (RFC 7578), for the few pages that accept a file. The body is read and limited before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from provider.parameters import MalformedParameters, Parameters

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 20


def is_multipart(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "multipart/form-data"


def parse_multipart(body: bytes, content_type: str) -> tuple[Parameters, Mapping[str, bytes]]:
    """Return the fields and the files. Raises MalformedParameters.

    A file's own name and type are untrusted, so they are not read.
    """
    _, options = parse_options_header(content_type)
    reader = _Reader()
    try:
        parser = MultipartParser(options.get(b"boundary", b""), reader.callbacks())
        parser.write(body)
        parser.finalize()
    except (MultipartParseError, ValueError):
        raise MalformedParameters("not a multipart form") from None
    if not reader.ended:
        raise MalformedParameters("half a multipart form")
    return Parameters([pair for pair in reader.fields if pair[1]]), reader.files


class _Reader:
    """A collector of the parts that the parser finds."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.files: dict[str, bytes] = {}
        self.ended = False
        self._parts = 0
        self._begin()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._data.extend(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS + 1:  # the first is begun above
            raise MalformedParameters("too many parts")
        self._disposition = b""
        self._header_name, self._header_value, self._data = bytearray(), bytearray(), bytearray()

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name, self._header_value = bytearray(), bytearray()

    def _end(self) -> None:
        _, options = parse_options_header(self._disposition)
        try:
            name = options.get(b"name", b"").decode()
            if b"filename" in options:
                self.files[name] = bytes(self._data)
            else:
                self.fields.append((name, self._data.decode()))
        except UnicodeDecodeError:
            raise MalformedParameters("a field is not UTF-8") from None

    def _finish(self) -> None:
        self.ended = True
