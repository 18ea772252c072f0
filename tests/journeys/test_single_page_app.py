"""The sample single-page application: everything between it and the provider happens in the browser, across sites."""

import re

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def sign_in(person: Person, account: Account, demo: Demo, steps: Steps) -> None:
    """From the app's button back to its greeting. Nothing is remembered for an app without a secret: it asks again."""
    person.press("Sign in")
    person.page.wait_for_url(re.compile(f"{demo.provider}/(login|consent)"))
    if "/login" in person.page.url:
        steps.sign_in(person, account)
    person.expect_heading("Quill Pocket wants to access your account")
    person.press("Allow")
    person.expect_heading("Hello, Grace Hopper")


def test_somebody_signs_in_calls_the_api_refreshes_and_signs_out(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """A-100: token, userinfo and revocation are read across sites by this app's page, without cookies."""
    person.open(demo.single_page_app)
    person.expect_heading("Your notes, in your pocket.")
    sign_in(person, account, demo, steps)
    assert person.page.url == f"{demo.single_page_app}/", "the code is still in the address"
    claims, userinfo = person.facts("id-token"), person.facts("userinfo")
    assert (claims["iss"], claims["aud"]) == (demo.provider, "quill-pocket")
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["email"] == account.email
    assert person.page.evaluate(STORED) == '[{},{},""]', "tokens are kept in memory only"

    person.press("Call the API")
    person.page.get_by_text("The API answered 200: Hello from the API.").wait_for()
    for _ in range(2):
        person.press("Refresh the tokens")
        person.page.get_by_text("The tokens were refreshed.").wait_for()
        person.press("Call the API")
        person.page.get_by_text("The API answered 200").wait_for()

    person.page.reload()
    person.expect_heading("Your notes, in your pocket.")
    sign_in(person, account, demo, steps)
    person.press("Sign out")
    person.page.get_by_text("You are signed out.").wait_for()
    person.press("Sign in")
    person.expect_heading("Sign in")


def test_an_error_of_the_token_endpoint_is_read_across_sites(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """A-100: `invalid_grant` after the person signed out elsewhere; the app starts again."""
    person.open(demo.single_page_app)
    sign_in(person, account, demo, steps)
    app = person.in_new_tab(f"{demo.provider}/account")
    person.press("Sign out")
    person.page.wait_for_url(f"{demo.provider}/signed-out")
    person.page = app
    person.press("Refresh the tokens")
    person.page.get_by_text(re.compile("refresh_token is invalid")).wait_for()
    assert person.problems == [f"400 for POST {demo.provider}/oauth2/token"]
    person.problems.clear()
    sign_in(person, account, demo, steps)


def test_somebody_can_say_no(person: Person, demo: Demo) -> None:
    person.open(demo.single_page_app)
    person.press("Sign in")
    person.press("Cancel and go back to Quill Pocket")
    person.page.get_by_text("You did not sign in. Nothing was shared.").wait_for()
