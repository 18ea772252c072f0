"""Forgot the password: ask, read the mail, choose another one, sign in with it."""

import re

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SUBJECT = "Reset your Signet password"


def test_a_new_password_is_chosen_by_mail_and_every_device_is_signed_out(
    any_person: Person, new_person: NewPerson, account: Account, demo: Demo, steps: Steps
) -> None:
    person, elsewhere = any_person, new_person()
    steps.sign_in_to_app(elsewhere, account)
    person.open(demo.web_app)
    person.follow("Sign in")
    person.follow("Forgot password?")
    person.fill("Email address", account.email)
    person.press("Send link")
    person.expect_heading("Check your email")
    letter = steps.read_letter(person, SUBJECT, account.email)
    link = re.search(r"http://\S+/reset-password\?\S+", letter)
    assert link
    person.follow(link[0])
    person.expect_heading("Choose a new password")
    person.fill("New password", "password1")
    person.press("Set new password")
    person.expect_error()
    person.fill("New password", "quite another horse battery")
    person.press("Set new password")
    person.expect_heading("Your new password is set")
    person.follow("Sign in")
    steps.sign_in(person, account)
    person.expect_error()
    account.password = "quite another horse battery"
    steps.sign_in(person, account)
    person.expect_heading("Hello, Grace Hopper")
    elsewhere.open(f"{demo.provider}/account")
    elsewhere.expect_heading("Sign in")
    steps.read_letter(person, "Your Signet password was reset", account.email)
    person.open(link[0])
    person.follow("Request a new link")
    person.expect_heading("Forgot your password?")
