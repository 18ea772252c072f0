"""Parameters: whatever comes, parsing gives text or says no; nothing else (RFC 6749 section 3.1)."""

from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.parameters import MAX_FIELDS, MalformedParameters, parse_parameters

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.binary(max_size=300))
def test_any_bytes_are_parameters_or_malformed(raw: bytes) -> None:
    try:
        parameters = parse_parameters(raw)
    except MalformedParameters:
        return
    assert all(isinstance(value, str) for value in parameters.values())


@given(st.dictionaries(text.filter(bool), text.filter(bool), max_size=20))
def test_what_is_encoded_comes_back(values: dict[str, str]) -> None:
    assert dict(parse_parameters(urlencode(values).encode())) == values


@given(text.filter(bool), st.lists(text, min_size=2, max_size=4))
def test_a_repeated_name_is_known_whatever_its_values(name: str, values: list[str]) -> None:
    raw = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for value in values)
    assert parse_parameters(raw.encode()).repeated == {name}


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a=1&b=", {"a": "1"}),  # empty counts as absent
        (b"a", {}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=%2B+%20", {"a": "+  "}),
        (b"a=%zz", {"a": "%zz"}),
        (b"a=%00", {"a": "\0"}),
        ("a=é".encode(), {"a": "é"}),
    ],
)
def test_the_corners(raw: bytes, values: dict[str, str]) -> None:
    assert dict(parse_parameters(raw)) == values


@pytest.mark.parametrize("raw", [b"a=%ff", b"\xff=1", b"a=1&" * (MAX_FIELDS + 1)])
def test_what_is_not_text_or_too_much_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedParameters):
        parse_parameters(raw)


def test_typed_text_is_trimmed_and_absent_is_empty() -> None:
    parameters = parse_parameters(b"a=+x+")
    assert (parameters.text("a"), parameters.text("b")) == ("x", "")
