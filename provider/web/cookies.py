"""The names and attributes of our cookies: opaque values, HttpOnly, SameSite=Lax, Secure with https.

They are limited to this host and the issuer's path. The one exception is STATE, which our script reads in other sites'
pages.
"""

from functools import lru_cache

from starlette.responses import Response

from provider.config.issuer import split_issuer
from provider.config.settings import Settings

SESSION = "signet"
"""The session of a signed-in browser. Only `sessions.cookie` reads or writes it."""

ACCOUNTS = "signet-accounts"
"""The sessions of the other accounts that are signed in in this browser, the last used first. Only `sessions.cookie`
reads or writes it."""

KEPT = "signet-kept"
"""The sessions of those accounts of this browser that stay signed in when it is closed, the current one first. Only
`sessions.cookie` reads or writes it."""

BROWSER = "signet-browser"
"""The identity of a browser before sign-in, to which CSRF tokens and parked requests are bound."""

DEVICE = "signet-device"
"""The identity of a browser after a sign-in, known to the account (`accounts.known_devices`). It proves nothing."""

REMEMBERED = "signet-remembered"
"""What lets a known device skip the second factor of its user (`accounts.factors.remembered_devices`)."""

LANGUAGE = "signet-language"
"""The tag of the language chosen in this browser."""

UPSTREAM = "signet-upstream"
"""The key of the upstream provider that this browser signed in with last. It only marks a button."""

STATE = "signet-state"
"""The state of this browser's session, for a page that applications frame (`sessions.browser_state`); not secret."""


def cookie_name(settings: Settings, name: str) -> str:
    """Return the full name of a cookie. `__Host-` demands the path `/`; an issuer with a path has `__Secure-`."""
    return _name_at(settings.issuer, name)


@lru_cache
def _name_at(issuer: str, name: str) -> str:
    if not issuer.startswith("https://"):
        return name
    return f"__Secure-{name}" if split_issuer(issuer)[1] else f"__Host-{name}"


def set_cookie(response: Response, settings: Settings, name: str, value: str, *, max_age: int | None = None) -> None:
    """Set a cookie that ends with the browser session, unless `max_age` (seconds) is given; 0 deletes it."""
    framed = name == STATE
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age,
        path=settings.base_path or "/",
        secure=settings.secure,
        httponly=not framed,
        samesite="none" if framed and settings.secure else "lax",  # browsers want both or neither,
    )
