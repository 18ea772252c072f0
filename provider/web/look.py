"""The look of an installation's pages: colors, logo and icon. docs/guides/branding.md says what is stable."""

import asyncio
import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from starlette.types import Scope

from provider.branding.logo import Image
from provider.branding.palette import DARK, LIGHT, ON_SEAL, SEAL, Scheme, in_the_dark, ink_on, palette
from provider.config.settings import Settings
from provider.languages.free_text import first_character
from provider.web.assets import Asset, find_asset
from provider.work import Installation

ICON, STYLESHEET = "favicon.svg", "brand.css"
NAMES = {ICON, STYLESHEET, *(f"{name}{suffix}" for name in ("logo", "logo-dark") for suffix in (".svg", ".png"))}
"""The names that files of a brand can have."""
_FONT_FACE = re.compile(r"@font-face \{[^}]*\}")


@dataclass(frozen=True, kw_only=True)
class Look:
    """The files of a brand. `stylesheet` and the logos are None if the brand has none."""

    paper: str
    paper_dark: str
    icon: Asset
    stylesheet: Asset | None
    logo: Asset | None
    logo_dark: Asset | None

    @property
    def assets(self) -> list[Asset]:
        return [asset for asset in (self.icon, self.stylesheet, self.logo, self.logo_dark) if asset is not None]

    def find(self, name: str) -> Asset | None:
        """Return the file with this name, or None."""
        return next((asset for asset in self.assets if asset.name == name), None)


def look_of(settings: Settings) -> Look:
    """Return the look for these settings, built once per brand."""
    return _look(
        brand=settings.brand,
        accent=settings.brand_accent,
        accent_dark=settings.brand_accent_dark,
        paper=settings.brand_paper,
        paper_dark=settings.brand_paper_dark,
        logo=settings.brand_logo,
        logo_dark=settings.brand_logo_dark,
    )


def preview_stylesheet(settings: Settings, *, is_dark: bool) -> str:
    """Return the styles of pages in one scheme, whichever the browser prefers. It follows signet.css in a page."""
    brand = look_of(settings).stylesheet
    css = find_asset("signet.css").content + (b"" if brand is None else brand.content)
    styles = _FONT_FACE.sub("", css.decode()).replace(
        "(prefers-color-scheme: dark)", "(min-width: 0)" if is_dark else "(max-width: 0)"
    )
    return f"{styles}\n:root {{ color-scheme: {'dark' if is_dark else 'light'}; }}\n"


async def find_brand_asset(scope: Scope, name: str, version: str) -> Asset | None:
    """Return a file of the brand in effect. If the URL has another version, another node may know a newer brand: then
    the database is asked, at most once a second.
    """
    installation: Installation = scope["app"].state.installation
    asset = look_of(installation.effective_settings).find(name)
    if name in NAMES and (asset is None or asset.versioned != f"{name}?{version}"):
        refresh, database = installation.branding.refresh_if_old, installation.database
        await asyncio.get_running_loop().run_in_executor(None, refresh, database)
        asset = look_of(installation.effective_settings).find(name)
    return asset


@lru_cache(maxsize=32)
def _look(
    *,
    brand: str,
    accent: str | None,
    accent_dark: str | None,
    paper: str | None,
    paper_dark: str | None,
    logo: Image | None,
    logo_dark: Image | None,
) -> Look:
    papers = paper or LIGHT.paper, paper_dark or DARK.paper
    has_colors = any((accent, accent_dark, paper, paper_dark))
    css = _stylesheet(accent, accent_dark, *papers) if has_colors else None
    return Look(
        paper=papers[0],
        paper_dark=papers[1],
        icon=_icon(brand, accent),
        stylesheet=None if css is None else Asset(STYLESHEET, "text/css", css.encode()),
        logo=_picture("logo", logo),
        logo_dark=_picture("logo-dark", logo_dark),
    )


def _picture(name: str, image: Image | None) -> Asset | None:
    return None if image is None else Asset(name + image.suffix, image.media_type, image.content)


def _stylesheet(accent: str | None, accent_dark: str | None, paper: str, paper_dark: str) -> str:
    """Return a stylesheet that only sets custom properties. Print is always on white."""
    if accent is not None and accent_dark is None:
        accent_dark = in_the_dark(accent, paper_dark)
    light, dark = _colors(LIGHT, accent, paper), _colors(DARK, accent_dark, paper_dark)
    return (
        f":root {{ {light} }}\n"
        f"@media screen {{ :root {{ --paper: {paper}; }} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ --paper: {paper_dark}; {dark} }} }}\n"
    )


def _colors(scheme: Scheme, accent: str | None, paper: str) -> str:
    if accent is None:
        return ""
    derived = palette(scheme, accent=accent, paper=paper)
    properties = {
        "accent": accent,
        "accent-strong": derived.accent_strong,
        "on-accent": derived.on_accent,
        "link": derived.link,
        "link-strong": derived.link_strong,
        "seal": accent,
        "on-seal": derived.on_accent,
        "note": derived.link,
        "note-tint": "var(--tint)",
    }
    return " ".join(f"--{name}: {value};" for name, value in properties.items())


def _icon(brand: str, accent: str | None) -> Asset:
    """Return the icon: the seal with the brand's first letter."""
    seal, letter = (SEAL, ON_SEAL) if accent is None else (accent, ink_on(accent))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<circle cx="16" cy="16" r="16" fill="{seal}"/>'
        f'<circle cx="16" cy="16" r="12.5" fill="none" stroke="{letter}" stroke-opacity=".65"/>'
        f'<text x="16" y="22" fill="{letter}" font-family="Georgia,serif" font-size="17" font-weight="600" '
        f'text-anchor="middle">{escape(first_character(brand).upper())}</text></svg>'
    )
    return Asset(ICON, "image/svg+xml", svg.encode())
