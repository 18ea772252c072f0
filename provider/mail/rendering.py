"""The templates of emails: no request, and absolute links from `settings.issuer` only.

Each email is one template that is rendered twice, in the layout of the text part and in that of the HTML part.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from provider.branding.palette import DARK, LIGHT, ON_SEAL, SEAL, in_the_dark, ink_on, palette
from provider.config.settings import Settings
from provider.languages.catalogs import Language
from provider.observability.logging import log
from provider.resources import TEMPLATES

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = TEMPLATES / "mail"
TEXT, HTML = "layout.txt", "layout.html"
SHARED = (TEXT, HTML, "notice.jinja")
"""The templates that are no email, but part of several."""


@dataclass(frozen=True)
class Email:
    subject: str
    text: str
    html: str


@cache
def environment(language: Language, layout: str, own: Path | None) -> "Environment":
    """Return the template environment for one language and one layout, which is TEXT or HTML.

    A template in the folder `own` replaces ours of the same name.
    """
    # Loads jinja2: many commands can send an email, and few do.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    from provider.languages.templates import speak  # noqa: PLC0415

    env = Environment(
        loader=FileSystemLoader([FOLDER] if own is None else [own, FOLDER]),
        autoescape=layout == HTML,  # noqa: S701  # the text part and the subject are text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    speak(env, language)
    env.globals["layout"] = layout
    return env


def render(settings: Settings, language: Language, name: str, **context: Any) -> Email:
    """Render the subject, text and HTML of the email `name`. The subject is always one line.

    If an operator's template fails, the email is rendered with ours: it must not keep a user from signing in.
    """
    own = settings.email_templates
    if own is not None:
        try:
            return render_with(own, settings, language, name, **context)
        except Exception as error:  # noqa: BLE001  # a template can raise anything
            log.error("mail.template_failed", template=name, error=f"{type(error).__name__}: {error}"[:300])
    return render_with(None, settings, language, name, **context)


def render_with(own: Path | None, settings: Settings, language: Language, name: str, **context: Any) -> Email:
    """Render the email with the templates of this folder, if there is one. Raises what a template raises."""
    given = {
        "brand": settings.brand,
        "issuer": settings.issuer,
        "support_email": settings.support_email,
        "has": settings.has,
        **_colors(settings.brand_accent, settings.brand_accent_dark, settings.brand_paper, settings.brand_paper_dark),
        **context,
    }
    text, html = (
        environment(language, layout, own).get_template(f"{name}.jinja").make_module(given) for layout in (TEXT, HTML)
    )
    return Email(
        subject=" ".join(str(text.subject).split()),  # type: ignore[attr-defined]  # what the template sets
        text=re.sub(r"\n{3,}", "\n\n", str(text)).strip() + "\n",
        html=str(html).strip() + "\n",
    )


@lru_cache(maxsize=32)
def _colors(accent: str | None, accent_dark: str | None, paper: str | None, paper_dark: str | None) -> dict[str, Any]:
    """Return the colors of an email, derived from the settings like those of pages."""
    light_paper, dark_paper = paper or LIGHT.paper, paper_dark or DARK.paper
    in_dark = accent_dark or (in_the_dark(accent, dark_paper) if accent else DARK.accent)
    return {
        "light": palette(LIGHT, accent=accent or LIGHT.accent, paper=light_paper),
        "dark": palette(DARK, accent=in_dark, paper=dark_paper),
        "light_paper": light_paper,
        "dark_paper": dark_paper,
        "seal": accent or SEAL,
        "on_seal": ink_on(accent) if accent else ON_SEAL,
    }


def link_to(settings: Settings, path: str, **parameters: str) -> str:
    """Return an absolute link. It never depends on the request's Host header."""
    return f"{settings.issuer}{path}?{urlencode(parameters)}" if parameters else settings.issuer + path
