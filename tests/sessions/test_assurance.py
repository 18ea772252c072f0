"""How sure we are, as tables of cases."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from provider.config.settings import Settings
from provider.sessions.assurance import (
    ACR_VALUES,
    REQUIRED_FACTORS,
    acr_of,
    add_factor,
    has_two_factors,
    is_fresh,
    level_of,
    satisfies,
)


@pytest.mark.parametrize(
    ("amr", "factor", "after"),
    [
        ("", "pwd", "pwd"),
        ("pwd", "pwd", "pwd"),
        ("pwd", "otp", "pwd otp mfa"),
        ("pwd otp mfa", "otp", "pwd otp mfa"),
        ("pwd otp mfa", "pwd", "pwd otp mfa"),
        ("fed", "otp", "fed otp mfa"),
    ],
)
def test_a_second_kind_of_factor_makes_it_multi_factor(amr: str, factor: str, after: str) -> None:
    """RFC 8176 section 2."""
    assert add_factor(amr, factor) == after


@pytest.mark.parametrize(("amr", "acr"), [("pwd", "aal1"), ("otp", "aal1"), ("fed", "aal1"), ("pwd otp mfa", "aal2")])
def test_the_level_follows_from_the_factors(amr: str, acr: str) -> None:
    assert acr_of(amr) == acr


@pytest.mark.parametrize(
    ("amr", "level"),
    [("pwd", "aal1"), ("pwd otp mfa", "aal2"), ("hwk user mfa", "phr"), ("pwd swk mfa", "phr"), ("fed hwk mfa", "phr")],
)
def test_a_passkey_among_two_factors_is_phishing_resistant(amr: str, level: str) -> None:
    """OpenID Connect EAP ACR Values 1.0 section 4."""
    assert level_of(amr) == level


@pytest.mark.parametrize(
    ("amr", "both"),
    [
        ("pwd", False),
        ("fed", False),
        ("otp", False),
        ("pwd otp mfa", True),
        ("hwk user mfa", True),
        ("pwd swk mfa", True),
    ],
)
def test_two_factors_are_two_with_a_passkey_or_without(amr: str, both: bool) -> None:
    assert has_two_factors(amr) is both


@pytest.mark.parametrize(
    ("amr", "wanted", "acr"),
    [
        ("hwk user mfa", (), "aal2"),
        ("hwk user mfa", ("aal2",), "aal2"),
        ("hwk user mfa", ("phr",), "phr"),
        ("hwk user mfa", ("aal2", "phr"), "phr"),
        ("pwd otp mfa", ("phr",), "aal2"),
        ("pwd", ("phr",), "aal1"),
    ],
)
def test_acr_is_phr_only_if_that_is_wanted_and_true(amr: str, wanted: tuple[str, ...], acr: str) -> None:
    assert acr_of(amr, wanted) == acr


def test_what_can_be_required_is_a_level() -> None:
    assert tuple(REQUIRED_FACTORS.values()) == ACR_VALUES
    assert get_args(Settings.model_fields["required_factor"].annotation) == tuple(REQUIRED_FACTORS)


@pytest.mark.parametrize(
    ("acr", "wanted", "enough"),
    [
        ("aal1", (), True),
        ("aal1", ("aal1",), True),
        ("aal1", ("aal2",), False),
        ("aal1", ("aal2", "aal1"), True),
        ("aal2", ("aal1",), True),
        ("aal2", ("aal2",), True),
        ("aal2", ("unheard of",), False),
        ("aal1", ("unheard of", "aal1"), True),
        ("aal1", ("AAL1",), False),
        ("phr", ("aal2",), True),
        ("aal2", ("phr",), False),
    ],
)
def test_a_level_satisfies_itself_and_what_is_below(acr: str, wanted: tuple[str, ...], enough: bool) -> None:
    """OIDC Core section 3.1.2.1, acr_values."""
    assert satisfies(acr, wanted) is enough


@pytest.mark.parametrize(
    ("age", "max_age", "fresh"),
    [(0, 0, True), (0.99, 0, True), (1, 0, False), (60.9, 60, True), (61, 60, False), (10**6, None, True)],
)
def test_max_age_counts_whole_seconds(age: float, max_age: int | None, fresh: bool) -> None:
    """OIDC Core section 3.1.2.1."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert is_fresh(now - timedelta(seconds=age), max_age, now) is fresh
