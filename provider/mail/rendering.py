"""The Jinja2 environment for emails: no request, and absolute links from `settings.issuer` only."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from provider.branding.palette import LIGHT, ink_on
from provider.config.settings import Settings
from provider.languages.catalogs import Language
from provider.languages.templates import speak
from provider.resources import TEMPLATES

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


@cache
def environment(language: Language) -> "Environment":
    """Return the template environment for one language."""
    # Many commands can send an email, and few do.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape  # noqa: PLC0415

    env = Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    speak(env, language)
    return env


def render(settings: Settings, language: Language, name: str, **context: Any) -> Letter:
    """Render the subject, text and HTML of the email `name`. The subject is always one line."""
    accent = settings.brand_accent or LIGHT.accent
    given = {
        "accent": accent,
        "on_accent": ink_on(accent),
        "brand": settings.brand,
        "issuer": settings.issuer,
        "support_email": settings.support_email,
        "has": settings.has,
        **context,
    }
    subject, text, html = (
        environment(language).get_template(f"{name}/{part}").render(given)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return Letter(subject=" ".join(subject.split()), text=text, html=html)


def link_to(settings: Settings, path: str, **parameters: str) -> str:
    """Return an absolute link. It never depends on the request's Host header."""
    return f"{settings.issuer}{path}?{urlencode(parameters)}" if parameters else settings.issuer + path
