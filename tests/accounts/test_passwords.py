"""Which passwords are accepted, and that each is only itself."""

import pytest

from provider.accounts.passwords import common_passwords, problem_of
from provider.settings import Settings
from tests.browser import Browser
from tests.conftest import Work, settings_for
from tests.factories import make_user
from tests.people import ADDRESS, sign_in, sign_up

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
    assert "guessed" in problem


def test_the_shipped_list_is_refused_whole() -> None:
    """ASVS v5.0.0-6.2.4, 6.2.12: at least the 3,000 most common."""
    assert len(common_passwords()) > 3000
    sample = sorted(common_passwords())[::40]
    assert all(problem_of(SETTINGS, password) for password in sample)


@pytest.mark.parametrize("password", ["ada.lovelace", "lovelace12", "Lovelace!", "signet123", "example.test"])
def test_what_an_attacker_knows_of_the_person_is_refused(password: str) -> None:
    """ASVS v5.0.0-6.1.2, 6.2.11."""
    about = ("ada.lovelace@example.test", "Ada Lovelace")
    assert problem_of(SETTINGS, password, about=about) is not None


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
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
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
