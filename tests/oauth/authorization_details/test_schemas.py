"""What a check of authorization details may cost, whatever an operator declares and an app sends."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.jose.json_schemas import InvalidSchema, problem_with_value
from provider.jose.patterns import (
    LONGEST_TEXT,
    MOST_WAYS,
    InvalidPattern,
    compile_pattern,
    matches,
)
from provider.oauth.authorization_details.schemas import check_schema
from tests.oauth.authorization_details.conftest import ACCESS, PAYMENT, payment

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}


def of_member(schema: Any, **more: Any) -> dict[str, Any]:
    return CLOSED | {"properties": {"type": True, "a": schema}} | more


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "(a|a)*b", "(a*)*", "(a{1,20}){1,20}", "a*a*a*b", "^.*.*.*=", "^[^@]+@[^@]+\\.[^@]+$"]
)
def test_a_catastrophic_pattern_is_not_declared(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)b", "(?<n>a)", "\\1", "\\bword", "\\p{L}", "a{2", "(", "a)", "[]", "[z-a]", "a**", "*", "x" * 501, "[a--b]"],
)
def test_what_is_not_supported_in_patterns_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$", "DE89370400440532013000", True),
        ("^[0-9]+(\\.[0-9]{1,2})?$", "12.5", True),
        ("^[0-9]+$", "12\n", False),
        ("^\\d$", "٣", False),
        ("^(EUR|USD)$", "EUR", True),
        ("^(EUR|USD)$", "EURO", False),
        ("[&~|]\\u0041\\x42", "x|AB", True),
        ("^a", "a" * (LONGEST_TEXT + 1), False),
    ],
)
def test_a_pattern_matches_as_ecma_262_says(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.text(alphabet="ab.*+?(){}[]|^$\\d12,:-", max_size=14), st.text(alphabet="ab1", max_size=LONGEST_TEXT))
def test_a_pattern_that_is_accepted_is_quick(pattern: str, text: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except InvalidPattern:
        return
    began = time.process_time()
    compiled.search(text)
    assert time.process_time() - began < MOST_WAYS * 1e-5


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, "additionalProperties"),
        ([], "JSON object"),
        (CLOSED | {"$schema": "http://json-schema.org/draft-07/schema#"}, "draft"),
        (of_member({"$ref": "https://evil.test/schema"}), "another document"),
        (of_member({"$ref": "other.json#/a"}), "another document"),
        (of_member({"$ref": "#/$defs/none"}), "does not exist"),
        (of_member({"$ref": "#"}), "leads back to itself"),
        (of_member({"$ref": "#/properties/a"}), "leads back to itself"),
        (
            of_member({"$ref": "#/$defs/b"}, **{"$defs": {"b": {"items": {"$ref": "#/$defs/b"}}}}),
            "leads back to itself",
        ),
        (of_member({"$dynamicRef": "#x"}), "not supported"),
        (of_member({"patternProperties": {"^(a+)+$": True}}), "not supported"),
        (of_member({"unevaluatedProperties": False}), "not supported"),
        (CLOSED | {"requird": ["a"]}, "requird"),
        (CLOSED | {"required": "a"}, "required"),
        (of_member({"pattern": "^(a+)+$"}), "pattern"),
        (of_member({"pattern": 1}), "pattern"),
        (of_member({"format": "regex"}), "format"),
        (of_member({"type": "text"}), "type"),
        (of_member({"minimum": float("nan")}), "JSON"),
        (of_member({"enum": ["x" * 20_000]}), "characters"),
    ],
)
def test_what_is_no_supported_schema_is_refused_with_the_reason(schema: Any, said: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        check_schema(schema)
    assert said in str(refused.value)


def test_references_that_grow_are_counted() -> None:
    """Ten definitions, each of which refers to the next one twice, are a thousand schemas."""
    steps = {f"s{step}": {"allOf": [{"$ref": f"#/$defs/s{step + 1}"}] * 3} for step in range(9)} | {"s9": True}
    with pytest.raises(InvalidSchema, match="too large"):
        check_schema(of_member({"$ref": "#/$defs/s0"}, **{"$defs": steps}))
    chain = {f"s{step}": {"$ref": f"#/$defs/s{step + 1}"} for step in range(20)} | {"s20": True}
    with pytest.raises(InvalidSchema, match="over more than"):
        check_schema(of_member({"$ref": "#/$defs/s0"}, **{"$defs": chain}))


def test_nothing_is_fetched_for_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """N-184. Also a stored schema with a remote reference, which is never declared, fetches nothing (SSRF)."""

    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("urllib.request.urlopen", fetch)
    with pytest.raises(Exception, match=r"evil\.test"):
        problem_with_value(of_member({"$ref": "https://evil.test/schema"}), {"type": "x", "a": 1})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["type", "amount", "creditor", "actions", "locations", "x"]), _JSON))
def test_no_value_crashes_a_check(value: dict[str, Any]) -> None:
    for declaration in (PAYMENT, ACCESS):
        problem_with_value(declaration["json_schema"], value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"multipleOf": 0.01}, 1e308),
        ({"multipleOf": 1e-300}, 1e300),
        ({"uniqueItems": True}, [[number] for number in range(400)]),
        ({"format": "date"}, "2026-02-30"),
        ({"format": "date-time"}, "2026-02-03"),
        ({"format": "email"}, "a@"),
        ({"format": "uuid"}, "x"),
        ({"format": "uri"}, "no uri"),
    ],
)
def test_a_check_of_odd_values_ends(schema: Any, value: Any) -> None:
    check_schema(of_member(schema))
    problem_with_value(of_member(schema), {"type": "x", "a": value})


def test_the_declarations_of_the_tests_are_accepted() -> None:
    for declaration in (PAYMENT, ACCESS):
        check_schema(declaration["json_schema"])
    assert problem_with_value(PAYMENT["json_schema"], payment()) is None
