"""Cookie names and attributes, decided once: opaque values, HttpOnly, SameSite=Lax, __Host- and Secure when https.

One is for a script of ours in other sites' pages: STATE.
"""

from starlette.responses import Response

from provider.config.settings import Settings

SESSION = "signet"
"""The signed-in browser; only `sessions.cookie` reads or writes it."""
BROWSER = "signet-browser"
"""This browser before anybody signed in: what a form's CSRF token and a parked request are bound to."""

DEVICE = "signet-device"
"""This browser after somebody signed in: known to their account (`accounts.known_devices`), and proof of nothing."""

LANGUAGE = "signet-language"
"""The language chosen at this browser, by its tag."""

STATE = "signet-state"
"""Which session this browser has, for a page that applications frame (`sessions.browser_state`); no secret."""


def cookie_name(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if settings.secure else name


def set_cookie(response: Response, settings: Settings, name: str, value: str, *, max_age: int | None = None) -> None:
    """A session cookie of the browser unless `max_age` (seconds) is given; 0 deletes it."""
    framed = name == STATE
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age,
        path="/",
        secure=settings.secure,
        httponly=not framed,
        samesite="none" if framed and settings.secure else "lax",  # browsers want both or neither,
    )
