"""A brand's colors: whatever the accent, what is written on it and in its hue can be read; a paper may be rejected."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from provider.branding import palette as rules
from provider.branding.palette import DARK, LIGHT, Scheme, in_the_dark, ink_on, palette, readable_paper
from provider.config.environment import SettingsError, load_settings
from tests.test_look import contrast, palettes

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
FOR_TEXT, FOR_PARTS = 4.5, 3


@SCHEMES
@given(accent=COLORS)
@example("#000000")
@example("#ffffff")
@example("#ffd500")
@example("#777777")
def test_any_accent_is_readable(scheme: Scheme, accent: str) -> None:
    """WCAG 2.2 SC 1.4.3 and 1.4.11: text on buttons, links on every surface, and the edge and focus ring of buttons."""
    made = palette(scheme, accent=accent, paper=scheme.paper)
    assert made.accent == accent
    assert contrast(made.on_accent, made.accent) >= FOR_TEXT
    assert contrast(made.on_accent, made.accent_strong) >= FOR_TEXT
    for surface in (scheme.paper, *scheme.surfaces):
        assert contrast(made.link, surface) >= FOR_TEXT > FOR_PARTS
        assert contrast(made.link_strong, surface) >= FOR_TEXT
    assert made.accent_strong != accent
    for color in vars(made).values():
        assert re.fullmatch("#[0-9a-f]{6}", color)


@SCHEMES
@given(accent=COLORS, paper=COLORS)
def test_links_are_readable_on_any_paper_that_is_let_in(scheme: Scheme, accent: str, paper: str) -> None:
    try:
        readable_paper(paper, scheme)
    except ValueError:
        return
    assert contrast(paper, scheme.soft_ink) >= FOR_TEXT
    assert contrast(palette(scheme, accent=accent, paper=paper).link, paper) >= FOR_TEXT


@given(accent=COLORS)
def test_a_dark_accent_is_derived_and_comfortable(accent: str) -> None:
    """WCAG 2.2 SC 1.4.6."""
    derived = in_the_dark(accent, DARK.paper)
    assert min(contrast(derived, surface) for surface in (DARK.paper, *DARK.surfaces)) >= 7
    assert palette(DARK, accent=derived, paper=DARK.paper).link == derived


@pytest.mark.parametrize(
    ("accent", "link"), [("#0b3d2e", "#0b3d2e"), ("#000000", "#000000"), ("#24487a", "#24487a"), ("#ffd500", "#7f6a00")]
)
def test_an_accent_that_can_be_read_stays_as_it_is_in_links(accent: str, link: str) -> None:
    assert palette(LIGHT, accent=accent, paper=LIGHT.paper).link == link


@pytest.mark.parametrize(("accent", "ink"), [("#24487a", "#ffffff"), ("#ffd500", "#000000"), ("#777777", "#000000")])
def test_what_is_written_on_an_accent_is_black_or_white(accent: str, ink: str) -> None:
    assert ink_on(accent) == ink


@SCHEMES
def test_the_schemes_are_those_of_the_stylesheet(scheme: Scheme) -> None:
    """Else the guarantee would be about other colors than the pages have."""
    css = palettes()["dark" if scheme.is_dark else "light"]
    assert (scheme.accent, scheme.on_accent, scheme.paper) == (css["accent"], css["on-accent"], css["paper"])
    assert scheme.soft_ink == css["soft-ink"]
    assert scheme.surfaces == (css["card"], css["tint"], css["good-tint"])
    assert rules.contrast(css["soft-ink"], css["paper"]) == contrast(css["soft-ink"], css["paper"])


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"SIGNET_BRAND_ACCENT": "red"}, "SIGNET_BRAND_ACCENT: must be a color like #24487a"),
        ({"SIGNET_BRAND_ACCENT": "#fff"}, "SIGNET_BRAND_ACCENT: must be a color"),
        ({"SIGNET_BRAND_ACCENT": "#ffffff; }"}, "SIGNET_BRAND_ACCENT: must be a color"),
        ({"SIGNET_BRAND_ACCENT": "#ffffff\n#"}, "SIGNET_BRAND_ACCENT must be one line"),
        ({"SIGNET_BRAND_ACCENT_DARK": "#12345G"}, "SIGNET_BRAND_ACCENT_DARK: must be a color"),
        ({"SIGNET_BRAND_PAPER": "#808080"}, "SIGNET_BRAND_PAPER: #808080 gives .* a contrast of 1.72:1; .* 4.5:1"),
        ({"SIGNET_BRAND_PAPER": "#000000"}, "SIGNET_BRAND_PAPER: #000000 .* 3.07:1; a light paper"),
        ({"SIGNET_BRAND_PAPER": "#d1d1d1"}, "a contrast of 4.47:1"),
        ({"SIGNET_BRAND_PAPER_DARK": "#ffffff"}, "SIGNET_BRAND_PAPER_DARK: #ffffff .* a dark paper"),
        ({"SIGNET_BRAND_PAPER_DARK": "#24487a"}, "SIGNET_BRAND_PAPER_DARK: #24487a .* 4.16:1"),
    ],
)
def test_colors_nobody_could_read_stop_the_start(environ: dict[str, str], problem: str) -> None:
    """One line that names the setting and the ratio; WCAG 2.2 SC 1.4.3."""
    with pytest.raises(SettingsError, match=problem) as refused:
        load_settings(environ)
    assert "\n" not in str(refused.value)


def test_colors_are_kept_in_lower_case() -> None:
    assert load_settings({"SIGNET_BRAND_ACCENT": "#FFD500"}).brand_accent == "#ffd500"
