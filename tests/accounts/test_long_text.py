"""Text too long to be accepted is refused before anything slow is done with it (F-15)."""

import unicodedata
from collections.abc import Callable
from typing import Any

import email_validator
import pytest

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords.passwords import problem_of
from provider.accounts.profile import FIELDS, parse_profile
from provider.accounts.registration import MAX_NAME, clean_name
from provider.crypto.passwords import MAX_BYTES, hash_password, is_password, normal_form
from provider.languages.free_text import InvalidText, repair_line
from tests.support.installation import settings_for

MARKS = "a" + "\u0315\u0300\u0334" * 20_000
"""Normalizing this would hold up every thread of the process for seconds."""


@pytest.fixture
def longest(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Of the texts that were normalized."""
    seen = [0]
    normalize = unicodedata.normalize

    def watched(form: Any, text: str) -> str:
        seen.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", watched)
    assert email_validator.syntax.unicodedata is unicodedata  # type: ignore[attr-defined]  # it is watched too
    return lambda: max(seen)


def is_refused(clean: Callable[[str], str], text: str) -> bool:
    try:
        clean(text)
    except InvalidText:
        return True
    return False


@pytest.mark.parametrize(
    "take",
    [
        lambda text: is_refused(clean_name, text),
        lambda text: len(repair_line(text, most=MAX_NAME)) <= MAX_NAME,
        lambda text: parse_address(text) is None,
        lambda text: parse_address(f"{text}@example.test") is None,
        lambda text: bool(parse_profile({field.name: text for field in FIELDS})[1]),
        lambda text: problem_of(settings_for("sqlite:///unused.db"), text) is not None,
        lambda text: not is_password(text, hash_password("another", cost=4)),
    ],
    ids=["name", "upstream name", "address", "mailbox", "profile", "new password", "password"],
)
def test_it_is_refused_unread(longest: Callable[[], int], take: Callable[[str], bool]) -> None:
    assert take(MARKS)
    assert longest() <= 2 * MAX_BYTES


def test_an_overlong_line_is_said_like_any_other() -> None:
    field = next(field for field in FIELDS if field.name == "name")
    with pytest.raises(InvalidText, match="at most 100 characters"):
        field.parse("x" * 5000)


@pytest.mark.parametrize("letter", ["ǖ", "ΐ", "ᾂ", "각", "é", "x", "🔑"])
def test_what_fits_is_normalized_whole_however_it_was_typed(letter: str) -> None:
    """The longest password accepted, in its longest spelling."""
    password = letter * (MAX_BYTES // len(letter.encode()))
    typed = unicodedata.normalize("NFD", password)
    assert normal_form(typed) == password.encode()
    assert is_password(typed, hash_password(password, cost=4))
