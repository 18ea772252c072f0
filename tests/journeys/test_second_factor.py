"""Two-factor authentication: turn it on, sign in with it, step up to it, and get in without the phone."""

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]


def test_a_code_of_the_authenticator_app_signs_in_and_opens_what_needs_a_second_factor(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    steps.sign_in_to_app(person, account)
    authenticator, _ = steps.turn_on_two_factor(person)
    person.expect_heading("Two-factor authentication")
    person.open(demo.web_app)
    person.press("Sign out")
    person.expect_text("You are signed out.")
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Enter your code")
    person.fill("Code", authenticator.code())
    person.press("Continue")
    person.expect_heading("Hello, Grace Hopper")
    claims = person.facts("id-token")
    assert (claims["acr"], claims["amr"]) == ("aal2", "pwd, otp, mfa")
    person.follow("Do something sensitive")
    person.expect_text("The vault is open.")


def test_an_api_that_asks_for_a_second_factor_gets_one_that_was_set_up_meanwhile(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    """RFC 9470: the API's challenge becomes the app's new authorization request."""
    steps.sign_in_to_app(person, account)
    person.follow("Do something sensitive")
    person.expect_text("Turn on two-factor authentication")
    person.follow("your account")
    person.follow("Turn on")
    person.press("Turn on two-factor authentication")
    authenticator = steps.authenticator(person.page.locator("#key").inner_text())
    person.fill("Code", authenticator.code())
    person.press("Turn on")
    person.follow("I've saved these codes")
    person.open(demo.web_app)
    person.follow("Do something sensitive")
    assert person.page.url == f"{demo.web_app}/call/vault"
    person.expect_text("The vault is open.")
    assert person.facts("id-token")["acr"] == "aal2"


def test_a_recovery_code_lets_somebody_in_once_without_their_phone(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = plain_person
    steps.sign_in_to_app(person, account)
    _, codes = steps.turn_on_two_factor(person)
    assert len(set(codes)) == 10
    for worked in (True, False):
        person.open(f"{demo.provider}/account")
        person.press("Sign out")
        person.follow("Sign in again")
        steps.sign_in(person, account)
        person.follow("Lost your device? Use a recovery code")
        person.fill("Recovery code", codes[0])
        person.press("Continue")
        if worked:
            person.expect_heading("Grace Hopper")
            person.expect_text("9 codes left")
    person.expect_error()
    person.fill("Recovery code", codes[1].lower())
    person.press("Continue")
    person.expect_heading("Grace Hopper")
    assert "code" in steps.read_letter(person, "A recovery code was used for your Signet account", account.email)


def test_turning_it_off_needs_a_code(person: Person, account: Account, demo: Demo, steps: Steps) -> None:
    steps.sign_in_to_app(person, account)
    _, codes = steps.turn_on_two_factor(person)
    person.fill("Code from your authenticator app, or a recovery code", "not a code")
    person.press("Turn off two-factor authentication")
    person.expect_error()
    person.fill("Code from your authenticator app, or a recovery code", codes[3])
    person.press("Turn off two-factor authentication")
    person.expect_text("Two-factor authentication is off.")
    steps.read_letter(person, "Two-factor authentication is off for your Signet account", account.email)


def test_a_second_authenticator_app_is_added_used_moved_and_removed(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person, page = any_person, f"{demo.provider}/account/two-factor"
    steps.sign_in_to_app(person, account)
    steps.turn_on_two_factor(person)
    person.open(page)
    person.press("Add another authenticator app")
    person.expect_heading("Add an authenticator app")
    tablet = steps.authenticator(person.page.locator("#key").inner_text())
    assert person.page.get_by_label("Name").input_value() == "Authenticator app 2"
    person.fill("Name", "Tablet")
    person.fill("Code", "000000")
    person.press("Add app")
    person.expect_error()
    assert person.page.get_by_label("Name").input_value() == "Tablet"
    person.fill("Code", tablet.code())
    person.press("Add app")
    person.expect_text("Authenticator app added.")
    person.open(demo.web_app)
    person.press("Sign out")
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.fill("Code", tablet.code())
    person.press("Continue")
    person.expect_heading("Hello, Grace Hopper")
    person.open(page)
    person.press("Move to a new device Authenticator app")
    person.expect_heading("Move to a new device")
    phone = steps.authenticator(person.page.locator("#key").inner_text())
    person.fill("Name", "Phone")
    person.fill("Code", phone.code())
    person.press("Move to a new device")
    person.expect_heading("Save your recovery codes")
    person.follow("I've saved these codes")
    person.press("Remove Tablet")
    person.expect_text("Authenticator app removed.")
    person.expect_text("Phone")
    assert person.page.get_by_role("button", name="Remove Phone").count() == 0
