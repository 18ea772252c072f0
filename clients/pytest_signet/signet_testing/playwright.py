"""Signing a user in with Playwright's page, in a real browser. The package needs `pytest-signet[playwright]`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

MOST_STEPS = 8
ALLOW, DENY = "button[name=decision][value=allow]", "button[name=decision][value=deny]"
PASSWORD, USERNAME, CODE = "input[name=password]", "input[name=username]", "input[name=code]"  # selectors
SETTLED = "load"


def sign_in(
    page: Any, issuer: str, *, email: str, password: str, consent: bool, code: Callable[[], str] | None
) -> None:
    """Answer Signet's pages until the browser has left them. The page has to be at Signet already.

    Raises AssertionError if it is at another site, or if a page is none of a sign-in.
    """
    if not _is_at(page, issuer):
        raise AssertionError(f"the browser is at {page.url}, not at Signet ({issuer}). Press the app's sign-in first.")
    for _ in range(MOST_STEPS):
        here = page.url
        if page.locator(USERNAME).count() and page.locator(PASSWORD).count():
            page.fill(USERNAME, email)
            page.fill(PASSWORD, password)
            page.press(PASSWORD, "Enter")
        elif page.locator(ALLOW).count():
            page.click(ALLOW if consent else DENY)
        elif page.locator(PASSWORD).count():
            page.fill(PASSWORD, password)
            page.press(PASSWORD, "Enter")
        elif code is not None and page.locator(CODE).count():
            page.fill(CODE, code())
            page.press(CODE, "Enter")
        else:
            raise AssertionError(f"{here} is no page of a sign-in: {page.locator('main').inner_text()[:400]}")
        page.wait_for_load_state(SETTLED)
        if not _is_at(page, issuer):
            return
    raise AssertionError(f"the sign-in did not end; the browser is at {page.url}")


def _is_at(page: Any, issuer: str) -> bool:
    """Return whether the browser shows a page of Signet."""
    return urlsplit(str(page.url)).netloc == urlsplit(issuer).netloc
