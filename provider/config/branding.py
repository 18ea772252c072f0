"""The settings of what users see: name, logo, colors and the address for support."""

from typing import Annotated, ClassVar

from pydantic import Field

from provider.branding import logo, palette
from provider.config.lines import Line
from provider.config.notation import Notation
from provider.config.section import Section

Logo = Annotated[logo.Logo, Notation("path of a file")]
Color = Annotated[palette.Color, Notation("color, `#rrggbb`")]
LightPaper = Annotated[palette.LightPaper, Notation("color, `#rrggbb`")]
DarkPaper = Annotated[palette.DarkPaper, Notation("color, `#rrggbb`")]


class Branding(Section):
    """Name, logo, colors and the address for support."""

    title: ClassVar[str] = "Branding"

    brand: Line = Field("Signet", description="Name that users see on pages and in emails.")
    brand_logo: Logo | None = Field(
        None, description="Path of a logo that replaces the name on pages: SVG or PNG, at most 64 KiB."
    )
    brand_logo_dark: Logo | None = Field(
        None, description="Path of a logo for dark mode. Set it if the other logo is hard to see on a dark background."
    )
    brand_accent: Color | None = Field(None, description="Color of buttons, links and the seal, as #rrggbb.")
    brand_accent_dark: Color | None = Field(
        None, description="Accent color in dark mode, as #rrggbb. Unset: derived from SIGNET_BRAND_ACCENT."
    )
    brand_paper: LightPaper | None = Field(None, description="Page background in light mode, a light color as #rrggbb.")
    brand_paper_dark: DarkPaper | None = Field(
        None, description="Page background in dark mode, a dark color as #rrggbb."
    )
    support_email: str | None = Field(
        None, description="Email address where users get help. It is shown on pages and in emails."
    )
