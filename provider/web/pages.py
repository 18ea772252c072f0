"""The Jinja2 environment for pages, and `page`: a template as a response."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from provider.config.settings import Settings
from provider.languages.catalogs import ENGLISH, LANGUAGES, Language
from provider.languages.templates import speak
from provider.resources import TEMPLATES
from provider.web.assets import find_asset
from provider.web.base_path import with_base_path
from provider.web.look import look_of
from provider.web.services import Services


class PageCall(Protocol):
    """The part of a call that a page needs (`call.Call`)."""

    settings: Settings
    nonce: str
    scope: Any
    page_values: dict[str, Any]

    @property
    def services(self) -> Services: ...

    @property
    def csrf_token(self) -> str: ...

    @property
    def language(self) -> Language: ...


@cache
def environment(language: Language = ENGLISH) -> Environment:
    """Return the Jinja2 environment of a language. There is one for each, because templates are compiled with their
    texts.
    """
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    speak(env, language)
    env.globals["asset"] = lambda name: find_asset(name).url
    return env


class CsrfToken:
    """A token created when a template uses it: a page without a form sets no cookie."""

    def __init__(self, call: PageCall) -> None:
        self._call = call

    def __str__(self) -> str:
        return self._call.csrf_token


def page(
    call: PageCall,
    template: str,
    *,
    status_code: int = 200,
    form_targets: Sequence[str] = (),
    only_form_targets: bool = False,
    image_sources: Sequence[str] = (),
    frame_sources: Sequence[str] = (),
    framable: bool = False,
    framed_here: bool = False,
    offers_languages: bool = True,
    **context: Any,
) -> Response:
    """Render a template as a response.

    `form_targets` are CSP sources at which a form may end after redirects (Chromium checks them all). They are added to
    this site, or replace it with `only_form_targets`. `image_sources` and `frame_sources` are further sources of images
    and frames. With `framable`, any site may frame the page, with `framed_here` only pages of ours. A `look` in the
    context replaces that of the brand.
    """
    settings, language = call.settings, call.language
    html = (
        environment(language)
        .get_template(template)
        .render(
            csrf_token=CsrfToken(call),
            nonce=call.nonce,
            brand=settings.brand,
            support_email=settings.support_email,
            has=settings.has,
            accounts_per_browser=settings.accounts_per_browser,
            has_upstreams=bool(call.services.sign_in_buttons()),
            status_code=status_code,
            languages=_languages(call, status_code) if offers_languages else [],
            here_again=_here_again(call.scope),
            **{"look": look_of(settings), **call.page_values, **context},
        )
    )
    call.scope["state"]["form_targets"] = (*(() if only_form_targets else ("'self'",)), *form_targets)
    call.scope["state"] |= {"image_sources": image_sources, "frame_sources": frame_sources}
    call.scope["state"] |= {"framable": framable, "framed_here": framed_here}
    headers = {"cache-control": "no-store", "content-language": language.tag}
    html = with_base_path(html, settings.base_path)
    return Response(html, status_code=status_code, media_type="text/html", headers=headers)


def sandboxed(call: PageCall, html: str) -> Response:
    """Return a document that is not a page of ours, such as an email, for a frame of one. It can only be read."""
    call.scope["state"]["sandboxed"] = True
    return Response(html, media_type="text/html", headers={"cache-control": "no-store"})


def _languages(call: PageCall, status_code: int) -> list[Language]:
    """Return the languages that the page offers.

    The response to a form may be shown only once (recovery codes), so it offers none, unless it is the form again.
    """
    again = call.scope["method"] in {"GET", "HEAD"} or status_code >= 400
    offered = call.settings.languages
    return [LANGUAGES[tag] for tag in offered] if again and len(offered) > 1 else []


def _here_again(scope: Any) -> str:
    """Return the URL of this page without the language that the app requested."""
    query = scope["query_string"].decode("ascii", "replace").split("&")
    kept = "&".join(piece for piece in query if piece and not piece.startswith("ui_locales="))
    return f"{scope['path']}?{kept}" if kept else str(scope["path"])


def go(location: str) -> Response:
    """Return a redirect with 303 See Other, never 307, so that credentials are not sent on (RFC 9700 section 4.12)."""
    return RedirectResponse(location, status_code=303, headers={"cache-control": "no-store"})
