"""JSON of others is read strictly (RFC 8725 section 3.7)."""

import pytest

from provider.jose.json_objects import is_deeper, read_object


def test_an_object_is_read() -> None:
    read = read_object(b'{"a": [1, {"b": "\xc3\xbc"}], "c": null, "d": 1.5e3}')
    assert read == {"a": [1, {"b": "ü"}], "c": None, "d": 1500.0}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"a"',
        b"null",
        b"{",
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": [-1e400]}',
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_object(raw)


def test_how_deep_is_counted_in_lists_and_objects() -> None:
    assert not is_deeper({"a": [{"b": 1}], "c": []}, 4)
    assert is_deeper({"a": [{"b": 1}], "c": []}, 3)
    assert not is_deeper("x", 1)
