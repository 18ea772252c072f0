"""Which passwords are accepted, and that each is only itself."""

import string
import unicodedata
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provider.accounts.passwords.passwords import about_person, common_passwords, problem_of
from provider.config.settings import Settings
from tests.support.browser import Browser
from tests.support.factories import make_user
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, sign_in, sign_up

SETTINGS: Settings = settings_for("sqlite:///unused.db")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "12 34 xyz",
        "      x y",
        "ünïcödé wörd",
        "我的密码很长不好猜",
        "x9z" * 66,
        "kT7#pq2w",
        "a" * 7 + "b c",
    ],
)
def test_length_and_guesses_count_and_nothing_else(password: str) -> None:
    """NIST SP 800-63B section 3.1.1.2; ASVS v5.0.0-6.2.5: no rules on kinds of characters."""
    assert problem_of(SETTINGS, password) is None


GUESSED = "This password is too common"
KINDS = [
    string.ascii_uppercase,
    string.ascii_lowercase,
    string.digits,
    string.punctuation,
    " \u00a0\u3000",
    "äöüßéñøłő",
    "我的密码很长不好猜",
    "🔑🗝🚪🐎🔋",
    "\x00\x01\x1b\x7f",
]


@given(st.data())
def test_no_kind_of_character_is_asked_for_or_forbidden(data: st.DataObject) -> None:
    """ASVS v5.0.0-6.2.5, 6.2.10: of one kind alone, whichever, it is refused for being guessed or not at all."""
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True))
    password = data.draw(st.text("".join(kinds), min_size=12, max_size=60))
    assume(len(unicodedata.normalize("NFC", password)) >= 8)
    problem = problem_of(SETTINGS, password)
    assert problem is None or problem.startswith(GUESSED)


Form = Literal["NFC", "NFD"]
WORDS = "tangerine zeppelins fly"


@pytest.mark.parametrize("least", [8, 15, 23])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", [WORDS, "Größe äöü çéñ ŵŷ ǖ ộ ẅ ḋ ṥ", "각각 다른 글자 여덟 개 를 쓰는 긴 문장"])
def test_characters_are_counted_in_the_normal_form(least: int, form: Form, text: str) -> None:
    """ASVS v5.0.0-6.2.1: code points of NFC, so the keyboard does not matter; the number is the setting's."""
    settings = SETTINGS.model_copy(update={"password_min_length": least})
    enough, short = text[:least], text[: least - 1]
    assert len(enough) == least
    assert problem_of(settings, unicodedata.normalize(form, enough)) is None
    problem = problem_of(settings, unicodedata.normalize(form, short))
    assert problem == f"Your password must have at least {least} characters."


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", ["quite long ", "ünß ", "🔑🗝x"])
def test_up_to_1024_bytes_are_accepted(form: Form, text: str) -> None:
    """A-93: bytes of the normal form."""
    size = len(text.encode())
    longest = text * (1024 // size) + "x" * (1024 % size)
    assert len(longest.encode()) == 1024
    assert problem_of(SETTINGS, unicodedata.normalize(form, longest)) is None
    assert "too long" in (problem_of(SETTINGS, unicodedata.normalize(form, longest + "x")) or "")


@pytest.mark.parametrize("password", ["", "1234567", "short", "x" * 1025, "é" * 600])
def test_too_short_and_too_long_are_said(password: str) -> None:
    """A-93."""
    assert problem_of(SETTINGS, password) is not None


@pytest.mark.parametrize(
    "password",
    ["password", "Password1", "P@ssw0rd", "12345678", "abcdefgh", "87654321", "aaaaaaaa", "abababab", "QWERTYUIOP"],
)
def test_what_everybody_uses_is_refused(password: str) -> None:
    """ASVS v5.0.0-6.2.4."""
    problem = problem_of(SETTINGS, password)
    assert problem is not None
    assert "easy to guess" in problem


def test_the_shipped_list_is_refused_whole() -> None:
    """ASVS v5.0.0-6.2.4, 6.2.12: at least the 3,000 most common."""
    assert len(common_passwords()) > 3000
    sample = sorted(common_passwords())[::40]
    assert all(problem_of(SETTINGS, password) for password in sample)


CLAIMS = {
    "name": "Augusta Ada King",
    "given_name": "Augusta",
    "middle_name": "Byron",
    "family_name": "King-Noel",
    "nickname": "Enchantress",
    "preferred_username": "number_spinner",
    "website": "https://analytical.test",
}
OURS = SETTINGS.model_copy(update={"brand": "Blue Harbour", "issuer": "https://id.harbour-works.test"})


@pytest.mark.parametrize(
    "password",
    [
        # the address, its parts, and what people put after them
        "ada.lovelace", "lovelace12", "Lovelace!", "L0vel@ce", "adalovelace", "ada-lovelace-1", "LovelaceLovelace",
        "example.test", "ada@example", "ada.lovelace+shop@example.test", "shopexample",
        # every name
        "Augusta Ada", "augusta.king", "KingNoel1", "byron123", "Enchantress", "spinner99", "number_spinner",
        # the brand and the host
        "BlueHarbour", "blue harbour!", "harbour-works", "Harb0ur12", "id.harbour-works.test",
    ],
)  # fmt: skip
def test_what_an_attacker_knows_of_the_person_is_refused(password: str) -> None:
    """ASVS v5.0.0-6.1.2, 6.2.11: brand, issuer host, parts of the address and of the names."""
    about = about_person(CLAIMS, "ada.lovelace+shop@example.test")
    assert "too similar" in (problem_of(OURS, password, about=about) or "")


@pytest.mark.parametrize(
    "password", ["lovelace and tea", "augusta rowed home", "harbour lights", "my king of spades", "analytical"]
)
def test_a_known_word_among_others_is_no_reason(password: str) -> None:
    about = about_person(CLAIMS, "ada.lovelace+shop@example.test")
    assert problem_of(OURS, password, about=about) is None


def test_short_words_and_empty_names_refuse_nothing() -> None:
    assert problem_of(SETTINGS, "xkcdwood", about=about_person({"name": "O X", "family_name": ""}, "")) is None


FIRST_72 = "x7" * 36


@pytest.mark.parametrize(
    ("password", "others"),
    [
        (FIRST_72, [FIRST_72[:-1], FIRST_72 + "a"]),
        (FIRST_72 + "a", [FIRST_72, FIRST_72 + "b"]),
        (FIRST_72 * 3, [FIRST_72, FIRST_72 * 2]),
        ("before\x00after", ["before", "before\x00", "before\x00other"]),
        ("  spaces around  ", ["spaces around", "  spaces around", "spaces around  "]),
    ],
)
def test_each_password_verifies_only_itself(browser: Browser, work: Work, password: str, others: list[str]) -> None:
    """A-93, ASVS v5.0.0-6.2.8: exactly as received, to the last byte."""
    with work() as w:
        make_user(w, password=password)
    for other in others:
        assert sign_in(browser, password=other).status == 400
    assert sign_in(browser, password=password).path == "/account"


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password(browser: Browser, work: Work) -> None:
    """NIST SP 800-63B section 3.1.1.2: one normal form."""
    with work() as w:
        make_user(w, password="caf\u00e9 au lait")
    assert sign_in(browser, password="cafe\u0301 au lait").path == "/account"
    assert sign_in(browser, password="caf\u0435 au lait").status == 400  # a Cyrillic look-alike


def test_a_password_that_is_too_long_is_a_mistake_in_the_form(browser: Browser) -> None:
    """A-93."""
    page = sign_up(browser, ADDRESS, password="x7" * 600)
    assert page.status == 400
    assert "too long" in page.text
