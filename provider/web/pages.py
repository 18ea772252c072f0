"""The Jinja2 environment for pages, and `page`: a template as a response."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from provider.resources import TEMPLATES
from provider.settings import Settings


class Caller(Protocol):
    """What a page needs to know of the call it answers (`endpoint.Call`)."""

    settings: Settings
    nonce: str
    scope: Any

    @property
    def csrf_token(self) -> str: ...


@lru_cache(maxsize=1)
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals["asset"] = asset
    return env


@lru_cache(maxsize=32)
def asset_bytes(name: str) -> bytes:
    return (TEMPLATES / "static" / name).read_bytes()


@lru_cache(maxsize=32)
def asset(name: str) -> str:
    """The URL of a file in templates/static; it changes with the content, so it may be cached for ever."""
    return f"/static/{name}?v={sha256(asset_bytes(name)).hexdigest()[:12]}"


class CsrfToken:
    """Made when a template asks for it: a page without a form sets no cookie."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    def __str__(self) -> str:
        return self._call.csrf_token


def page(
    call: Caller, template: str, *, status_code: int = 200, form_targets: Sequence[str] = (), **context: Any
) -> Response:
    """Render a page. `form_targets` are CSP sources a form of it may end at after redirects (Chromium checks them
    all).
    """
    settings = call.settings
    html = (
        environment()
        .get_template(template)
        .render(
            csrf_token=CsrfToken(call),
            nonce=call.nonce,
            brand=settings.brand,
            support_email=settings.support_email,
            has=settings.has,
            status_code=status_code,
            **context,
        )
    )
    call.scope["state"]["form_targets"] = tuple(form_targets)
    return Response(html, status_code=status_code, media_type="text/html", headers={"cache-control": "no-store"})


def go(location: str) -> Response:
    """See Other: after a form, never 307, so that credentials are not sent on (RFC 9700 section 4.12)."""
    return RedirectResponse(location, status_code=303, headers={"cache-control": "no-store"})
