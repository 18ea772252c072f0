"""Multipart forms: fields and files, bounded, and nothing half."""

import pytest

from provider.parameters import MalformedParameters
from provider.web.uploads import MAX_PARTS, is_multipart, parse_multipart

TYPE = "multipart/form-data; boundary=x"


def part(name: str, value: bytes, *, filename: str | None = None) -> bytes:
    said = f'; filename="{filename}"' if filename is not None else ""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{said}\r\n\r\n'.encode() + value + b"\r\n"


def test_fields_and_files_are_told_apart() -> None:
    body = part("a", b"1") + part("empty", b"") + part("f", b"\0\xff", filename="../x") + b"--x--\r\n"
    fields, files = parse_multipart(body, TYPE)
    assert dict(fields) == {"a": "1"}
    assert files == {"f": b"\0\xff"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", TYPE),
        (part("a", b"1"), TYPE),
        (part("a", b"1") + b"--x--\r\n", "multipart/form-data"),
        (part("a", b"1") + b"--x--\r\n", "multipart/form-data; boundary=" + "y" * 300),
        (part("a", b"\xff") + b"--x--\r\n", TYPE),
        (part("a", b"1") * (MAX_PARTS + 1) + b"--x--\r\n", TYPE),
        (b"nonsense", TYPE),
        (b"--x\r\nno header\r\n\r\n1\r\n--x--\r\n", TYPE),
    ],
    ids=range(8),
)
def test_what_is_no_whole_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(MalformedParameters):
        parse_multipart(body, content_type)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [("multipart/form-data; boundary=x", True), ("Multipart/Form-Data", True), ("text/plain", False), (None, False)],
)
def test_what_a_multipart_form_calls_itself(content_type: str | None, expected: bool) -> None:
    assert is_multipart(content_type) is expected
