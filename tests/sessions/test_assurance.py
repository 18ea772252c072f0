"""How sure we are, as tables of cases."""

from datetime import UTC, datetime, timedelta

import pytest

from provider.sessions.assurance import acr_of, add_factor, is_fresh, satisfies


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
