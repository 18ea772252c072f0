"""The colors of a brand and those derived from them, chosen so that all text is readable.

Contrast is that of WCAG 2.2: 4.5:1 for text (SC 1.4.3), 3:1 for what marks a control (SC 1.4.11). Any accent is
accepted: text on it is black or white, and links in its hue become as dark or light as needed. A paper color must
leave our text colors readable.
"""

import colorsys
import math
import re
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import AfterValidator

FOR_TEXT = 4.5
COMFORTABLE = 7.0
"""The contrast that a derived dark scheme aims for (SC 1.4.6)."""
LEAST_STEP = 1.15
"""The least contrast between a button and the same button under the pointer: less is not visible."""


def parse_color(text: str) -> str:
    """Return a color in lower case. Raises ValueError unless it is `#rrggbb`."""
    if not re.fullmatch("#[0-9A-Fa-f]{6}", text):
        raise ValueError("must be a color like #24487a")
    return text.lower()


Color = Annotated[str, AfterValidator(parse_color)]
"""A color as `#rrggbb` in lower case, and nothing else: it is inserted into a stylesheet and emails."""


@dataclass(frozen=True)
class Scheme:
    """The light or dark colors of templates/static/signet.css that a brand's colors are combined with."""

    accent: str
    on_accent: str
    paper: str
    soft_ink: str
    surfaces: tuple[str, ...]
    """The backgrounds of links besides the paper: card, tint, good-tint."""
    is_dark: bool


LIGHT = Scheme("#24487a", "#ffffff", "#f5f3ee", "#555b66", ("#ffffff", "#f7f6f2", "#eff7f2"), is_dark=False)
DARK = Scheme("#9cbcf0", "#10192a", "#14171c", "#a9afb9", ("#1c2027", "#232831", "#1b2c25"), is_dark=True)

SEAL, ON_SEAL = "#7c2d2a", "#f9ece6"
"""The seal and its letter, unless a brand has an accent; as in signet.css."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """An accent and the colors derived from it."""

    accent: str
    accent_strong: str
    on_accent: str
    link: str
    link_strong: str


def luminance(color: str) -> float:
    """Return the relative luminance of a color, 0 to 1."""
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


class UnreadablePaper(ValueError):
    """A paper color on which the softest text could not be read. `ratio` is their contrast."""

    def __init__(self, paper: str, scheme: Scheme) -> None:
        self.ratio = rounded(contrast(paper, scheme.soft_ink))
        kind = "dark" if scheme.is_dark else "light"
        super().__init__(
            f"{paper} gives text ({scheme.soft_ink}) a contrast of {self.ratio}:1; "
            f"a {kind} paper of {FOR_TEXT}:1 is needed"
        )


def rounded(ratio: float) -> float:
    """Return a contrast ratio with two decimals, never rounded up to what would be enough."""
    return math.floor(ratio * 100) / 100


def readable_paper(paper: str, scheme: Scheme) -> str:
    """Return the paper color. Raises UnreadablePaper if the softest text could not be read on it."""
    is_darker = luminance(paper) < luminance(scheme.soft_ink)
    if contrast(paper, scheme.soft_ink) < FOR_TEXT or is_darker != scheme.is_dark:
        raise UnreadablePaper(paper, scheme)
    return paper


LightPaper = Annotated[Color, AfterValidator(partial(readable_paper, scheme=LIGHT))]
DarkPaper = Annotated[Color, AfterValidator(partial(readable_paper, scheme=DARK))]


@dataclass(frozen=True)
class Contrasts:
    """The contrast ratios of a brand's colors in one scheme, each the least of its kind."""

    button: float
    link: float
    text: float
    """The quietest text on the paper."""
    link_color: str | None
    """The shade of the accent that links have, if they cannot have the accent itself."""


def contrasts(scheme: Scheme, *, accent: str | None, paper: str | None) -> Contrasts:
    """Measure the colors of a scheme. None stands for our own color."""
    accent, paper = accent or scheme.accent, paper or scheme.paper
    own = accent == scheme.accent
    link = accent if own else palette(scheme, accent=accent, paper=paper).link
    return Contrasts(
        button=rounded(contrast(accent, scheme.on_accent if own else ink_on(accent))),
        link=rounded(min(contrast(link, surface) for surface in (paper, *scheme.surfaces))),
        text=rounded(contrast(paper, scheme.soft_ink)),
        link_color=None if link == accent else link,
    )


def ink_on(accent: str) -> str:
    """Return white or black, whichever can be read on the accent. One of them always can."""
    return "#ffffff" if contrast("#ffffff", accent) >= FOR_TEXT else "#000000"


def palette(scheme: Scheme, *, accent: str, paper: str) -> Palette:
    """Derive the colors for an accent on this paper, all of them readable."""
    on_accent = ink_on(accent)
    link = _readable(accent, scheme, paper, FOR_TEXT)
    return Palette(
        accent=accent,
        accent_strong=_strong(accent, on_accent),
        on_accent=on_accent,
        link=link,
        link_strong=_mixed(link, "#ffffff" if scheme.is_dark else "#000000", 0.25),
    )


def in_the_dark(accent: str, paper: str) -> str:
    """Return an accent of the same hue for the dark scheme."""
    return _readable(accent, DARK, paper, COMFORTABLE)


def _readable(color: str, scheme: Scheme, paper: str, ratio: float) -> str:
    """Return the nearest shade of this hue that can be read on every surface of the scheme."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    while any(contrast(color, surface) < ratio for surface in (paper, *scheme.surfaces)):
        lightness = min(1.0, lightness + 0.01) if scheme.is_dark else max(0.0, lightness - 0.01)
        color = _written(colorsys.hls_to_rgb(hue, lightness, saturation))
    return color


def _strong(accent: str, on_accent: str) -> str:
    """Return the accent's shade for a button under the pointer.

    It contrasts more with the text on it, or, if that is impossible, a little less.
    """
    away, towards = ("#000000", "#ffffff") if on_accent == "#ffffff" else ("#ffffff", "#000000")
    strong = _mixed(accent, away, 0.25)
    return strong if contrast(accent, strong) >= LEAST_STEP else _mixed(accent, towards, 0.15)


def _mixed(color: str, other: str, share: float) -> str:
    pairs = ((int(color[i : i + 2], 16) / 255, int(other[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return _written(tuple(one + (two - one) * share for one, two in pairs))


def _written(channels: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
