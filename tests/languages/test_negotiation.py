"""Which language is wanted (RFC 4647 section 3.4, RFC 9110 section 12.5.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.languages.negotiation import MOST, best, parse_accept_language, parse_ui_locales

OFFERED = ("en", "de", "fr", "pt-BR")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["de"], "de"),
        (["DE-at"], "de"),
        (["fr_CA"], "fr"),
        (["fr-CA-x-private"], "fr"),
        (["se", "fr", "de"], "fr"),
        (["pt-br"], "pt-BR"),
        (["pt_BR"], "pt-BR"),
        (["pt"], "pt-BR"),
        (["pt-PT", "en"], "pt-BR"),
        (["ptx"], None),
        (["se"], None),
        (["*"], None),
        ([""], None),
        (["deu"], None),
        ([], None),
    ],
)
def test_the_first_wanted_language_that_is_offered(wanted: list[str], found: str | None) -> None:
    assert best(OFFERED, wanted) == found


def test_a_variant_is_used_only_where_the_language_itself_is_not_offered() -> None:
    assert best(("pt-BR", "pt"), ["pt-PT"]) == "pt"
    assert best(("pt-BR", "pt"), ["pt-BR"]) == "pt-BR"


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("de", ["de"]),
        ("fr-CA, fr;q=0.8, en;q=0.5", ["fr-CA", "fr", "en"]),
        ("en;q=0.3, de;q=0.9", ["de", "en"]),
        ("de;q=0, en", ["en"]),
        ("de;q=nonsense, en", ["en"]),
        ("de;q=nan, en", ["en"]),
        ("de;q=7, en", ["en"]),
        ("", []),
        (",,;,", []),
    ],
)
def test_the_browsers_languages_the_most_wanted_first(header: str, ranges: list[str]) -> None:
    assert parse_accept_language(header) == ranges


@given(st.text())
def test_no_header_crashes_it_or_keeps_it_busy(header: str) -> None:
    assert len(parse_accept_language(header)) <= MOST
    assert len(parse_ui_locales(header)) <= MOST
    best(OFFERED, parse_accept_language(header))
