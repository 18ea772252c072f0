"""The sample app and the mailbox of the demo fit a narrow screen: nothing has to be scrolled sideways (WCAG 2.2 SC
1.4.10). Those of the provider's own pages are looked at in test_accessibility.
"""

import re

import pytest
from playwright.sync_api import ViewportSize

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NARROW: ViewportSize = {"width": 320, "height": 568}


def look(person: Person, name: str) -> None:
    """Take a picture; nothing may stick out at the side."""
    person.page.wait_for_load_state()
    person.picture(f"{name}-dark-320")
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    needed, there = person.page.evaluate(widths)
    assert needed <= there, f"{name} is {needed - there} pixels too wide"


def test_what_stands_around_the_provider_fits_a_narrow_screen(
    new_person: NewPerson, account: Account, demo: Demo, steps: Steps
) -> None:
    person = new_person(viewport=NARROW, color_scheme="dark")
    person.open(demo.web_app)
    look(person, "app-welcome")
    person.follow("Sign in")
    person.follow("Forgot password?")
    person.fill("Email address", account.email)
    person.press("Send link")
    steps.sign_in_to_app(person, account)
    look(person, "app-signed-in")
    person.open(f"{demo.provider}/account")  # nor do its longest pages, on a screen that was narrow from the start
    look(person, "account")
    person.press("Menu")
    person.follow("Devices & sessions")
    look(person, "devices")
    steps.read_letter(person, "Reset your Signet password", account.email)
    look(person, "letter")
    person.open(demo.mailbox)
    person.page.get_by_role("link", name=re.compile("Reset your")).first.wait_for()
    look(person, "mailbox")
