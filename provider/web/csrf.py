"""Protection against cross-site request forgery: unsafe requests to a page need a token of this browser and a same-site
origin.

The token is an HMAC over the session cookie, or over the browser cookie before sign-in. So it needs no storage and ends
with its session. A token of another browser is useless (RFC 6749 section 10.12; login CSRF). Forms on the way to a
sign-in always use the browser cookie, so that they still work after a sign-in or sign-out in another tab.
"""

import base64
from collections.abc import Iterable

from provider.crypto.digests import same
from provider.crypto.vault import Vault
from provider.languages.text import Text
from provider.refusals import Forbidden
from provider.urls import origin_of
from provider.web.headers import RequestHeaders

FIELD = "csrf_token"


class PageExpired(Forbidden):
    """A form from an expired page, or not from our page. The error page offers a way to continue."""

    code = "page-expired"
    title = Text("This page has expired")
    message = Text(
        "You may have signed in or out in another tab, or your browser deleted its cookies. Nothing was changed. "
        "Open the page again."
    )


class TokenExpired(PageExpired):
    """A form of our site with a token of an earlier session, or of another browser."""

    code = "token-expired"


class CookiesMissing(PageExpired):
    """A form from a browser that sends no cookies at all: reloading the page would not help."""

    code = "cookies-missing"
    title = Text("Your browser is blocking cookies")
    message = Text("We need cookies to protect this form. Allow cookies for this site, then open the page again.")


def csrf_token(vault: Vault, cookie_value: str) -> str:
    return base64.urlsafe_b64encode(vault.keyed_digest(cookie_value, purpose="csrf")).decode().rstrip("=")


def require_same_site(headers: RequestHeaders, own: str) -> None:
    """Raise PageExpired for a request from another site than that of `own`, the origin of our pages.

    Our pages send no referrer, so browsers may send `Origin: null` for our own forms. If there is a Sec-Fetch-Site
    header, which no page can forge, it decides.
    """
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        if fetch_site not in {"same-origin", "none"}:
            raise PageExpired
        return
    origin = headers.get("origin")
    if origin is not None and origin_of(origin) != own:
        raise PageExpired


def require_token(vault: Vault, cookie_values: Iterable[str | None], presented: str | None) -> None:
    """Raise TokenExpired if the token is of none of these cookies, and PageExpired if there is none."""
    if presented is None:
        raise PageExpired
    given = presented.encode("utf-8", "surrogatepass")
    tokens = [vault.keyed_digests(value, purpose="csrf") for value in cookie_values if value is not None]
    if not any(same(base64.urlsafe_b64encode(token).rstrip(b"="), given) for each in tokens for token in each):
        raise TokenExpired
