"""What is said to a person: English as a str, another language where it is shown."""

from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale

from provider.languages.catalogs import ENGLISH, LANGUAGES, Language
from provider.languages.text import Text

DAY = datetime(2026, 11, 5, 20, 7, tzinfo=UTC)
GERMAN, FRENCH = LANGUAGES["de"], LANGUAGES["fr"]


def test_as_a_str_it_is_the_english_message() -> None:
    text = Text("Enter at most %(count)s characters, on one line.", count=40)
    assert text == "Enter at most 40 characters, on one line."
    assert ENGLISH.say(text) == text


def test_a_message_without_values_may_hold_a_percent_sign() -> None:
    assert Text("100% sure") == "100% sure"
    assert GERMAN.say(Text("100% sure")) == "100% sure"


@pytest.mark.parametrize(("count", "english"), [(1, "1 day"), (2, "2 days"), (0, "0 days")])
def test_a_count_decides_between_one_and_many(count: int, english: str) -> None:
    text = Text.counted("%(count)s day", "%(count)s days", count=count)
    assert text == english
    assert ENGLISH.say(text) == english


def test_what_is_no_text_is_shown_as_it_is() -> None:
    """A name that happens to be a message of ours is still a name."""
    assert GERMAN.say("Sign in") == "Sign in"
    assert GERMAN.say(Text("Sign in")) != "Sign in"


def test_a_moment_among_the_values_is_said_as_its_day() -> None:
    text = Text("This account will be deleted on %(day)s. Sign in on our website to keep it.", day=DAY)
    assert "5 November 2026" in text
    assert "5. November 2026" in GERMAN.say(text)
    assert "5 novembre 2026" in FRENCH.say(text)


def test_a_text_among_the_values_is_said_too() -> None:
    inner = Text("Unknown browser")
    said = GERMAN.say(Text("%(browser)s on %(system)s", browser=inner, system="Linux"))
    assert GERMAN.say(inner) in said
    assert "Unknown" not in said


@pytest.mark.parametrize(
    ("tag", "moment"),
    [("en", "5 November 2026, 20:07 UTC"), ("de", "5. November 2026, 20:07 UTC"), ("fr", "5 novembre 2026, 20:07 UTC")],
)
def test_a_moment_is_written_as_the_language_does(tag: str, moment: str) -> None:
    assert LANGUAGES[tag].moment(DAY) == moment


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_the_direction_of_a_language_is_that_of_its_script(language: Language) -> None:
    assert language.direction == Locale.parse(language.locale).text_direction


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_durations_have_words_in_every_language(language: Language) -> None:
    for count in (2, 7, 14, 100):
        for unit in ("days", "hours", "minutes"):
            said = language.duration(timedelta(**{unit: count}))
            assert "duration" not in said


def test_in_french_no_line_begins_with_a_question_mark() -> None:
    assert LANGUAGES["fr"].say(Text("Forgot your password?")) == "Mot de passe oublié\u00a0?"
    assert LANGUAGES["de"].say(Text("Forgot your password?")) == "Passwort vergessen?"
