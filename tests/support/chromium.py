"""A real Chromium for the tests: found here, never downloaded. What its console complains of is a failure."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.services import unavailable

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first that is on PATH. The shell is the same engine without the windows around it: a page costs a third."""
FLAGS = ("--disable-gpu", "--disable-site-isolation-trials", "--renderer-process-limit=1")
"""There is nothing to draw fast, and no site here to be kept from another by a process of its own."""
PATIENCE = 60_000
"""Milliseconds until what should be on a page is missed."""
SCREENSHOTS = Path(__file__).parents[2] / "build/screenshots"
REFUSED = "Failed to load resource: the server responded with a status of 4"
"""What the console says of a form that is shown again with its errors: the status is meant."""


class Person:
    """Somebody at a browser of their own: one window, its tabs, and what went wrong in any of them."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("response", self._look_at)
        self.page: Page = context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        # A violation of the content security policy is an error, or a mere issue that names it.
        bad = message.type == "error" or "Content Security Policy" in message.text
        if bad and not message.text.startswith(REFUSED):
            self.problems.append(f"console: {message.text}")

    def _look_at(self, response: Response) -> None:
        least = 500 if response.request.is_navigation_request() else 400
        if response.status >= least:
            self.problems.append(f"{response.status} for {response.request.method} {response.url}")

    # What people do

    def open(self, url: str) -> None:
        self.page.goto(url)

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def press(self, name: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """A link, to where it leads."""
        self.page.get_by_role("link", name=name, exact=True).click()

    def speak(self, language: str) -> None:
        """Choose a language at the foot of the page."""
        self.page.locator("details.language > summary").click()
        self.press(language)

    def back(self) -> None:
        self.page.go_back()

    def in_new_tab(self, url: str) -> Page:
        """Open a second tab; what the person does from now on is done there. Returns the first."""
        first, self.page = self.page, self.context.new_page()
        self.page.goto(url)
        return first

    # What they see

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def title(self) -> str:
        return self.page.title()

    @property
    def text(self) -> str:
        return self.page.get_by_role("main").inner_text()

    def expect_heading(self, heading: str) -> None:
        """Wait for the page whose main heading this is."""
        try:
            self.page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
        except PlaywrightTimeout:
            # Which page is there instead tells more than how long we waited.
            raise AssertionError(f"{heading!r} was expected at {self.page.url}:\n{self.text}") from None

    def expect_text(self, text: str) -> None:
        """Wait for a page that says this in its main part."""
        try:
            self.page.get_by_role("main").filter(has_text=text).wait_for()
        except PlaywrightTimeout:
            raise AssertionError(f"{text!r} was expected at {self.page.url}:\n{self.text}") from None

    def expect_error(self) -> None:
        """Wait for a page that says that something is wrong with the form, in its title too."""
        self.page.get_by_text("There is a problem", exact=True).wait_for()
        assert self.title.startswith("Error: ")

    def facts(self, table: str) -> dict[str, str]:
        """The rows of a table of the sample app."""
        rows = self.page.locator(f"#{table} tr").all()
        return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}

    def picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


NewPerson = Callable[..., Person]
"""Options are those of a Playwright context: `java_script_enabled`, `color_scheme`, `viewport`."""


@dataclass(frozen=True)
class Chromium:
    """The browser of this worker. Each person has a context of their own in it, as fresh as a browser just started."""

    browser: Browser
    _loop: asyncio.AbstractEventLoop

    @contextmanager
    def awake(self) -> Iterator[Browser]:
        """Its event loop is this thread's only while somebody is at the browser: other tests want their own."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


def _options() -> list[str]:
    # Chromium's own sandbox does not work for root.
    return [*FLAGS, *(["--no-sandbox"] if os.getuid() == 0 else [])]


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium that is on PATH, or the one that Playwright has installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return playwright.chromium.launch(executable_path=found, args=_options())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    try:
        chromium = Chromium(launch(playwright), loop)
    except PlaywrightError as error:
        playwright.stop()
        unavailable("Chromium", f"none of {', '.join(NAMES)} starts: {str(error).splitlines()[0]}")
    asyncio._set_running_loop(None)
    yield chromium
    with chromium.awake():
        chromium.browser.close()
        playwright.stop()


@pytest.fixture
def new_person(chromium: Chromium) -> Iterator[NewPerson]:
    """People with a browser each. Whatever their browsers complain of fails the test."""
    people: list[Person] = []
    with chromium.awake() as browser:

        def make(**options: Any) -> Person:
            person = Person(browser.new_context(**options))
            people.append(person)
            return person

        yield make
        for person in people:
            person.context.close()
    assert [problem for person in people for problem in person.problems] == []


@pytest.fixture
def private_person(new_person: NewPerson) -> Person:
    """Somebody whose browser blocks cookies of other sites, as Chromium does in its private windows."""
    person = new_person()
    network = person.context.new_cdp_session(person.page)
    network.send("Network.enable")
    network.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    return person
