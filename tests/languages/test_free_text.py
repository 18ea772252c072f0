"""The rule for names and other free text: what is accepted, dropped and refused (issue 12, line 33)."""

import re
import unicodedata

import pytest

from provider.accounts.profile import FIELDS, parse_profile
from provider.languages.catalogs import LANGUAGES
from provider.languages.free_text import InvalidText, clean_line, first_character, repair_line
from tests.support.names import FAMILY, GERMANY, NAMES, PERSIAN, SCOTLAND

DROPPED = {
    "byte order mark": ("\ufeffAda", "Ada"),
    "soft hyphen": ("Love\u00adlace", "Lovelace"),
    "zero width space": ("Ada\u200b King\u200b", "Ada King"),
    "word joiner": ("Ada\u2060", "Ada"),
    "embedding around a pasted name": ("\u202aAda King\u202c", "Ada King"),
    "isolate around a pasted name": ("\u2068Ada King\u2069", "Ada King"),
    "isolate around a pasted Hebrew name": ("\u2068\u05d0\u05d1\u2069", "\u05d0\u05d1"),
    "mark where nothing is from right to left": ("\u200eAda\u200f", "Ada"),
    "joiners that join nothing": ("\u200dAda \u200c King", "Ada King"),
    "selectors that select nothing": ("\ufe0fAda \ufe0fKing", "Ada King"),
    "selectors in a row": ("\u2764\ufe0f\ufe0f\ufe0f", "\u2764\ufe0f"),
    "white space": ("  Ada\u3000 \u00a0King\r\n", "Ada King"),
    "only invisible": ("\u200b\ufeff\u200d", ""),
}
REFUSED = {
    "override": ("Ada\u202eKing", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    "embedding within": ("Ada \u202bKing\u202c!", "U+202B RIGHT-TO-LEFT EMBEDDING"),
    "isolate without an end": ("\u2066Ada", "U+2066 LEFT-TO-RIGHT ISOLATE"),
    "end without an isolate": ("Ada\u2069", "U+2069 POP DIRECTIONAL ISOLATE"),
    "ends that cross": ("\u2069Ada\u2066", "U+2069 POP DIRECTIONAL ISOLATE"),
    "NUL": ("Ada\x00", "U+0000 (a control character)"),
    "escape": ("\x1b[31mAda", "U+001B (a control character)"),
    "separator that Python splits at": ("Ada\x1cKing", "U+001C (a control character)"),
    "next control block": ("Ada\x9bKing", "U+009B (a control character)"),
    "surrogate": ("Ada\ud83d", "U+D83D (not a character)"),
    "private use": ("Ada\ue000", "U+E000 (a private-use character)"),
    "private use in another plane": ("Ada\U000f0000", "U+F0000 (a private-use character)"),
    "noncharacter": ("Ada\uffff", "U+FFFF (not a character)"),
    "noncharacter in a block": ("Ada\ufdd0", "U+FDD0 (not a character)"),
    "tags without a flag": ("Ada\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
    "hidden text behind a flag": (
        "\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f",
        "U+E0061 TAG LATIN SMALL LETTER A",
    ),
    "language tag": ("\U000e0001Ada", "U+E0001 LANGUAGE TAG"),
    "invisible operator": ("Ada\u2062King", "U+2062 INVISIBLE TIMES"),
    "annotation": ("Ada\ufff9", "U+FFF9 INTERLINEAR ANNOTATION ANCHOR"),
    "object replacement": ("Ada\ufffc", "U+FFFC OBJECT REPLACEMENT CHARACTER"),
    "letter that looks empty": ("\u3164", "U+3164 HANGUL FILLER"),
    "symbol that looks empty": ("\u2800 \u2800", "U+2800 BRAILLE PATTERN BLANK"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_names_are_written_with_is_accepted_unchanged(name: str) -> None:
    assert clean_line(name, most=100) == unicodedata.normalize("NFC", name)
    assert repair_line(name, most=100) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(("typed", "kept"), DROPPED.values(), ids=DROPPED)
def test_what_shows_nothing_is_dropped(typed: str, kept: str) -> None:
    assert clean_line(typed, most=100) == repair_line(typed, most=100) == kept


@pytest.mark.parametrize(("typed", "named"), REFUSED.values(), ids=REFUSED)
def test_a_refused_character_is_named_and_left_out_of_an_upstream_name(typed: str, named: str) -> None:
    with pytest.raises(InvalidText) as refused:
        clean_line(typed, most=100)
    assert str(refused.value) == f"Remove this character: {named}."
    left = repair_line(typed, most=100)
    assert clean_line(left, most=100) == left
    assert left or not any(character.isascii() and character.isalpha() for character in typed)


def test_four_pairs_of_direction_controls_around_a_name_are_dropped_and_a_fifth_is_refused() -> None:
    """Each pair takes time that grows with the text, so a long text of nothing but pairs must not be peeled."""
    before, after = "\u202a\u2068\u202b\u2066", "\u2069\u202c\u2069\u202c"
    assert clean_line(f"{before}Ada{after}", most=100) == "Ada"
    with pytest.raises(InvalidText, match=re.escape("U+202A LEFT-TO-RIGHT EMBEDDING")):
        clean_line(f"{before}\u202aAda\u202c{after}", most=100)


def test_every_field_of_a_profile_that_takes_a_name_takes_all_of_them() -> None:
    for field in FIELDS:
        if field.autocomplete.endswith("name"):
            assert parse_profile({field.name: PERSIAN})[1] == {}, field.name
            assert "U+202E" in parse_profile({field.name: "Ada\u202eKing"})[1][field.name]


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_message_names_the_character_in_every_language(tag: str) -> None:
    with pytest.raises(InvalidText) as refused:
        clean_line("Ada\x07", most=100)
    said = LANGUAGES[tag].say(refused.value.problem)
    assert "U+0007" in re.sub("[\u2066-\u2069]", "", said)
    assert (said == str(refused.value)) is (tag == "en")


def test_the_length_is_counted_in_code_points_of_the_normal_form() -> None:
    assert clean_line(unicodedata.normalize("NFD", "\u00e9" * 100), most=100) == "\u00e9" * 100
    assert clean_line(FAMILY * 14, most=100) == FAMILY * 14
    with pytest.raises(InvalidText, match="Enter at most 100 characters"):
        clean_line(FAMILY * 15, most=100)


@pytest.mark.parametrize("last", [FAMILY, SCOTLAND, GERMANY, "e\u0301\u0323\u0330"])
def test_a_long_upstream_name_is_not_cut_within_a_character(last: str) -> None:
    assert repair_line("x" * 98 + last + "!", most=99) == "x" * 98
    assert repair_line("x" * 200, most=100) == "x" * 100


def test_the_first_character_is_a_whole_one() -> None:
    """It is what the seal and the icon show of a name."""
    assert [first_character(name) for name in (FAMILY + "!", SCOTLAND, "\U0001f1e9\U0001f1eaX", "e\u0301a")] == [
        FAMILY,
        SCOTLAND,
        "\U0001f1e9\U0001f1ea",
        "e\u0301",
    ]
    assert [first_character(name) for name in ("Signet", "", "\u2067\u05d0\u05d1\u2069")] == ["S", "", "\u05d0"]
