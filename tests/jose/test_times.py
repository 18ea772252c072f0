"""When a JWT is valid (RFC 7519 section 4.1), and which JSON values are dates (section 2)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.jose.times import (
    CLIENT_LEEWAY,
    TOO_FAR,
    UPSTREAM_LEEWAY,
    is_numeric_date,
    problem_with_times,
    remembered_until,
)

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
MINUTES = timedelta(minutes=10)


def problem(claims: dict[str, Any]) -> str | None:
    """With the limits of a client assertion."""
    return problem_with_times(claims, NOW, leeway=CLIENT_LEEWAY, required=("exp",), longest=MINUTES)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": AT + 60},
        {"exp": AT + 600},
        {"exp": AT - 8},
        {"exp": AT + 60, "iat": AT + 8},
        {"exp": AT + 60, "nbf": AT + 8},
        {"exp": AT + 60, "iat": AT - 86400},
        {"exp": AT + 60.5, "nbf": AT - 0.5, "iat": float(AT)},
        {"exp": AT - 9.5},
        {"exp": AT + 60, "iat": AT + 9.9},
    ],
)
def test_a_jwt_is_valid_within_its_times(claims: dict[str, Any]) -> None:
    """A clock may differ by 8 seconds (FAPI 2.0 Security Profile section 5.3.2.1)."""
    assert problem(claims) is None


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": AT - 10},
        {"exp": AT - 300},
        {"exp": AT + 611},
        {"exp": AT + 86400},
        {"exp": 10**300},
        {"exp": -(10**300)},
        {"exp": str(AT + 60)},
        {"exp": AT - 10.5},
        {"exp": AT + 610.5},
        {"exp": AT + 60, "nbf": AT + 10.5},
        {"exp": True},
        {"exp": None},
        {"exp": [AT + 60]},
        {"exp": AT + 60, "iat": AT + 61},
        {"exp": AT + 60, "nbf": AT + 61},
        {"exp": AT + 60, "iat": str(AT)},
        {"exp": AT + 60, "nbf": False},
    ],
)
def test_a_jwt_is_not_valid_outside_them(claims: dict[str, Any]) -> None:
    """A-39."""
    assert problem(claims) is not None


def test_exp_is_optional_unless_it_is_required() -> None:
    assert problem_with_times({}, NOW, leeway=CLIENT_LEEWAY) is None
    assert problem_with_times({"exp": AT + 10**9}, NOW, leeway=CLIENT_LEEWAY) is None
    assert problem_with_times({"exp": AT - 60}, NOW, leeway=CLIENT_LEEWAY) == "it expired 60 seconds ago"
    assert problem_with_times({"exp": AT + 60}, NOW, leeway=CLIENT_LEEWAY, required=("exp", "nbf")) == "it has no nbf"


def test_upstreams_have_a_minute() -> None:
    assert problem_with_times({"exp": AT - 59, "iat": AT + 60}, NOW, leeway=UPSTREAM_LEEWAY) is None
    for claims in ({"exp": AT - 60}, {"nbf": AT + 61}, {"iat": AT + 61}):
        assert problem_with_times(claims, NOW, leeway=UPSTREAM_LEEWAY) is not None


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1795608000", "1795608000.25", "1.7956e9", "-0.0"])
def test_a_number_with_or_without_a_fraction_is_a_date(text: str) -> None:
    """RFC 7519 section 2, NumericDate."""
    assert is_numeric_date(json.loads(text))
    assert problem_with_times({"iat": json.loads(text)}, NOW, leeway=timedelta(days=1)) is None


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "false",
        "null",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e300",
        "1" * 400,
        '"5"',
        "[5]",
        "{}",
    ],
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_what_json_readers_let_in_besides_is_none(text: str, name: str) -> None:
    value = json.loads(text)
    assert not is_numeric_date(value)
    found = problem_with_times({name: value}, NOW, leeway=CLIENT_LEEWAY)
    assert found == f"its {name} is not a number of seconds since 1970"


def test_every_date_is_one_for_datetime_too() -> None:
    datetime.fromtimestamp(TOO_FAR - 1, UTC)
    assert is_numeric_date(TOO_FAR - 1)
    assert not is_numeric_date(TOO_FAR)


@given(fraction=st.floats(0, 2), late=st.floats(0, 13))
def test_a_token_is_remembered_as_long_as_it_is_valid(fraction: float, late: float) -> None:
    """RFC 7523 section 3 no. 7: also with a fraction in `exp`, which is compared with whole seconds."""
    exp, now = AT + fraction, datetime.fromtimestamp(AT + late, UTC)
    if problem_with_times({"exp": exp}, now, leeway=CLIENT_LEEWAY) is None:
        assert now < remembered_until(exp, CLIENT_LEEWAY)
