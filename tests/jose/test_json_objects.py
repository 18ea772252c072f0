"""JSON of others is read strictly (RFC 8725 section 3.7)."""

import pytest

from provider.jose.json_objects import is_deeper, is_same, is_whole_number, read_json, read_object


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3600.0", 3600),
        ("3.6e3", 3600),
        ("-0.0", 0),
        ("1e15", 10**15),
        ("1.5", 1.5),
        ("1e20", 1e20),
        ("9" * 30, 10**30 - 1),
    ],
)
def test_a_number_without_a_fraction_is_an_integer(text: str, value: float) -> None:
    """RFC 8259 section 6: JSON has one kind of number."""
    read = read_json(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["true", "1.5", "NaN", "1e999", '"1"', "null", "[1]"])
def test_anything_else_is_no_whole_number(text: str) -> None:
    """Python takes true for 1."""
    try:
        assert not is_whole_number(read_json(text))
    except ValueError:
        assert text in {"NaN", "1e999"}


def test_true_is_not_one() -> None:
    assert is_same(1, 1.0)
    assert is_same(True, True)
    assert not is_same(1, True)
    assert not is_same(False, 0)
    assert not is_same("1", 1)


def test_json_values_are_compared_at_every_depth_and_objects_have_no_order() -> None:
    assert is_same({"a": [1, {"b": None}], "c": 0}, {"c": 0, "a": [1, {"b": None}]})
    assert not is_same({"a": [{"b": 1}]}, {"a": [{"b": True}]})
    assert not is_same([0, 1], [0, 1, 2])
    assert not is_same({"a": None}, {})
    assert not is_same([], {})
