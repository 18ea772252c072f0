"""How the pages look: light and dark, on a wide screen and on a narrow one; nothing has to be scrolled sideways."""

import re

import pytest
from playwright.sync_api import ViewportSize

from tests.chromium import NewPerson, Person
from tests.demo_process import Demo
from tests.journeys.conftest import Account, Steps

pytestmark = pytest.mark.browser

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 320, "height": 568}
"""WCAG 2.2 SC 1.4.10."""


def look(person: Person, name: str) -> None:
    """Take a picture; nothing may stick out at the side."""
    person.page.wait_for_load_state()
    person.picture(name)
    widths = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    needed, there = person.page.evaluate(widths)
    assert needed <= there, f"{name} is {needed - there} pixels too wide"


@pytest.mark.parametrize(("size", "colours"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow and dark"])
def test_every_page_of_the_main_story_fits_its_screen(
    new_person: NewPerson, account: Account, demo: Demo, steps: Steps, size: ViewportSize, colours: str
) -> None:
    person = new_person(viewport=size, color_scheme=colours)
    kind = f"{colours}-{size['width']}"

    def see(name: str) -> None:
        look(person, f"{name}-{kind}")

    person.open(demo.web_app)
    see("app-welcome")
    person.follow("Sign in")
    see("sign-in")
    person.press("Sign in")
    see("sign-in-error")
    person.follow("Forgot your password?")
    see("forgot-password")
    person.open(f"{demo.provider}/signup")
    see("sign-up")
    person.press("Create an account")
    see("sign-up-error")
    person.fill("Email address", account.email)
    person.fill("Create a password", account.password)
    person.press("Create an account")
    see("check-email")
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Share your details with this app?")
    see("consent")
    steps.allow(person)
    see("app-signed-in")
    person.open(f"{demo.provider}/account")
    see("account")
    person.follow("Devices")
    see("devices")
    person.follow("Two-factor sign-in")
    see("two-factor-off")
    person.press("Turn on two-factor sign-in")
    see("two-factor-set-up")
    authenticator = steps.authenticator(person.page.locator("#key").inner_text())
    person.fill("Code", authenticator.code())
    person.press("Turn on")
    person.expect_heading("Save your recovery codes")
    see("recovery-codes")
    person.follow("I have saved these codes")
    see("two-factor-on")
    person.open(f"{demo.provider}/oauth2/logout")
    see("sign-out-question")
    person.press("Sign out")
    see("signed-out")
    person.follow("Sign in again")
    steps.sign_in(person, account)
    person.expect_heading("Enter your code")
    see("second-factor")
    person.follow("Lost your device? Use a recovery code")
    see("recovery-code")
    person.open(f"{demo.provider}/oauth2/authorize?client_id=nobody")
    see("refused")
    person.open(f"{demo.provider}/no-such-page")
    see("not-found")
    person.open(demo.mailbox)
    see("mailbox")
    person.page.get_by_role("link", name=re.compile("You already have")).first.click()
    see("letter")
