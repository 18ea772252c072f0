"""A person at a real browser, for modules whose pages the suite's own browser does not understand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.conformance.foundation.browser import PRESS
from tests.conformance.suite import EMAIL
from tests.support.chromium import launch
from tests.support.factories import PASSWORD

Visit = Callable[[str], None]
BUTTONS = ("button[value=allow]", "button[value=sign_out]")
"""What is pressed on the pages for consent and for signing out."""
PATIENCE = 30_000
"""Milliseconds for one page."""


@contextmanager
def person() -> Iterator[Visit]:
    """Return what opens a URL, signs in if that is asked, allows access and signs out."""
    with sync_playwright() as playwright, launch(playwright) as browser:
        # The certificates of the suite and of Signet are of this run.
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()

        def visit(url: str) -> None:
            page.goto(url)
            while _answer(page):
                page.wait_for_load_state()

        yield visit


def _answer(page: Page) -> bool:
    """Do what the page asks; False if it asks nothing."""
    if page.locator("input[name=password]").count():
        email = page.locator("input[name=username]:not([readonly])")
        if email.count():
            email.fill(EMAIL)
        page.locator("input[name=password]").fill(PASSWORD)
        with page.expect_navigation():
            page.locator(f"xpath={PRESS}").click()
        return True
    for each in BUTTONS:
        if page.locator(each).count():
            with page.expect_navigation():
                page.locator(each).click()
            return True
    return False
