"""No page is a dead end: cancel, deny, back, reload and a second tab all lead on."""

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]


def test_cancelling_the_sign_in_goes_back_to_the_app(plain_person: Person, demo: Demo) -> None:
    person = plain_person
    person.open(demo.web_app)
    person.follow("Sign in")
    person.press("Cancel and go back to Quill")
    person.expect_heading("You did not sign in")
    assert person.page.url.startswith(f"{demo.web_app}/callback?")
    person.follow("Sign in")
    person.expect_heading("Sign in")


def test_denying_consent_goes_back_to_the_app_and_one_may_think_again(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = plain_person
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Quill wants to access your account")
    person.press("Deny")
    person.expect_heading("You did not sign in")
    person.follow("Sign in")
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")


def test_somebody_else_may_sign_in_at_the_consent_page(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = plain_person
    person.open(demo.web_app)
    person.follow("Sign in")
    steps.sign_in(person, Account("ada@example.com", demo.secrets["password"]))
    person.press("Not you?")
    steps.sign_in(person, account)
    steps.allow(person)
    assert person.facts("userinfo")["email"] == account.email


def test_back_and_reload_during_the_sign_in_lead_on(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    person.open(demo.web_app)
    person.follow("Sign in")
    person.page.reload()
    person.follow("Create an account")
    person.back()
    steps.sign_in(person, account)
    person.expect_heading("Quill wants to access your account")
    person.page.reload()
    person.back()  # to the sign-in page: they are signed in, so it sends them on
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")
    person.back()  # to the question that was answered
    person.expect_heading("This sign-in has expired")
    person.follow("Go to your account")
    person.expect_heading("Grace Hopper")


def test_a_second_tab_of_a_sign_in_that_was_finished_in_the_first_leads_on(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = plain_person
    person.open(demo.web_app)
    person.follow("Sign in")
    first = person.in_new_tab(person.page.url)
    steps.sign_in(person, account)
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")
    person.page = first
    steps.sign_in(person, account)
    person.expect_heading("This sign-in has expired")
    person.follow("Continue to Quill")
    person.expect_heading("Hello, Grace Hopper")


def test_a_second_factor_page_left_open_until_somebody_signed_in_elsewhere_leads_on(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(person, account)
    authenticator, _ = steps.turn_on_two_factor(person)
    person.open(f"{demo.provider}/account")
    person.press("Sign out")
    person.follow("Sign in again")
    steps.sign_in(person, account)
    person.expect_heading("Enter your code")
    first = person.in_new_tab(person.page.url)
    person.fill("Code", authenticator.code())
    person.press("Continue")
    person.expect_heading("Grace Hopper")
    person.page = first
    person.fill("Code", authenticator.code())
    person.press("Continue")
    person.expect_heading("Grace Hopper")


def test_a_page_from_before_the_sign_out_asks_to_sign_in_again(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account")
    person.press("Sign out")
    person.expect_heading("You are signed out")
    person.back()
    person.expect_heading("Sign in")
    steps.sign_in(person, account)
    person.expect_heading("Grace Hopper")


def test_recovery_codes_are_not_shown_again_by_a_reload(
    person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/two-factor")
    person.press("Turn on two-factor authentication")
    person.fill("Code", steps.authenticator(person.page.locator("#key").inner_text()).code())
    person.press("Turn on")
    person.expect_heading("Save your recovery codes")
    code = person.page.locator("#codes li").first.inner_text()
    person.page.reload()
    person.expect_heading("This page has expired")
    person.follow("Continue")
    person.expect_heading("Two-factor authentication")
    assert code not in person.text
    person.expect_text("10 left")


def test_losing_the_cookies_during_the_sign_in_still_leads_to_the_app(
    plain_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = plain_person
    person.open(demo.web_app)
    person.follow("Sign in")
    person.context.clear_cookies(domain="localhost", name="signet-browser")
    steps.sign_in(person, account)
    person.expect_heading("This page has expired")
    person.follow("Continue")
    steps.sign_in(person, account)
    steps.allow(person)
    person.expect_heading("Hello, Grace Hopper")


def test_a_user_who_must_sign_in_again_types_only_the_password(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    person.open(f"{demo.provider}/login")
    steps.sign_in(person, account)
    person.expect_heading("Grace Hopper")
    person.open(f"{demo.provider}/login?prompt=login&return_to=/account/email")
    person.expect_heading("Confirm it's you")
    person.expect_text(account.email)
    person.fill("Password", "not the password")
    person.press("Confirm")
    person.expect_error()
    person.fill("Password", account.password)
    person.press("Confirm")
    person.expect_heading("Your email address")
