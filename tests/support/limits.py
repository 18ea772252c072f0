"""Limits so low that a test reaches them with a few requests.

tests/accounts/test_throttle.py compares the real ones with docs/reference/throttling.md.
"""

from collections.abc import Callable

import pytest

from provider.ratelimits import LIMITS

Lower = Callable[..., None]
"""`lower(login="3/5minutes")` changes limits of `ratelimits.LIMITS` for this test."""


@pytest.fixture
def lower(monkeypatch: pytest.MonkeyPatch) -> Lower:
    """As `Lower` says."""

    def change(**limits: str) -> None:
        for name, limit in limits.items():
            assert hasattr(LIMITS, name)
            monkeypatch.setitem(vars(LIMITS), name, limit)

    return change
