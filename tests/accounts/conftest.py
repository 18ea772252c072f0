"""Limits per network run on the real clock; a test that is not about them goes without."""

import pytest

from provider.work import Installation


@pytest.fixture
def unlimited(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit per network or mailbox. What is counted per account stays."""
    for question in ("hit", "look"):
        monkeypatch.setattr(installation.counter, question, lambda _limit, _key: None)
