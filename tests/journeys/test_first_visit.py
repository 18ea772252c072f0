"""A newcomer: sign up, read the mail, confirm, consent, and be greeted by the app. Nothing is typed twice."""

import re

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = pytest.mark.browser

SUBJECT = "Confirm your email address for Signet"


def sign_up(person: Person, demo: Demo, account: Account) -> None:
    """From the app's sign-in button to "check your email"."""
    person.open(demo.web_app)
    person.follow("Sign in")
    person.follow("Create an account")
    person.fill("Full name (optional)", "Grace Hopper")
    person.fill("Email address", account.email)
    person.fill("Create a password", account.password)
    person.press("Create an account")
    person.expect_heading("Check your email")


def expect_greeting(person: Person, demo: Demo, account: Account) -> None:
    person.expect_heading("Hello, Grace Hopper")
    assert person.page.url == f"{demo.web_app}/"
    claims, userinfo = person.facts("id-token"), person.facts("userinfo")
    assert claims["iss"] == demo.provider
    assert claims["aud"] == "quill"
    assert claims["acr"] == "aal1"
    assert userinfo["sub"] == claims["sub"]
    assert (userinfo["email"], userinfo["email_verified"]) == (account.email, "True")


def test_a_newcomer_confirms_by_the_link_and_is_greeted_by_the_app(
    any_person: Person, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    person, account = any_person, newcomer
    sign_up(person, demo, account)
    letter = steps.read_letter(person, SUBJECT, account.email)
    link = re.search(r"http://\S+/verify-email/confirm\?\S+", letter)
    assert link
    person.follow(link[0])
    person.expect_heading("Confirm your email address")
    person.press("Confirm email address")
    steps.allow(person)
    expect_greeting(person, demo, account)


@pytest.mark.slow
def test_a_newcomer_types_the_code_of_the_letter(
    plain_person: Person, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    person, account = plain_person, newcomer
    sign_up(person, demo, account)
    waiting = person.in_new_tab(demo.mailbox)
    letter = steps.read_letter(person, SUBJECT, account.email)
    code = re.search(r"\b(\d{6})\b", letter)
    assert code
    person.page = waiting
    person.fill("6-digit code", "000000" if code[1] != "000000" else "111111")
    person.press("Confirm email address")
    person.expect_error()
    person.fill("6-digit code", code[1])
    person.press("Confirm email address")
    steps.allow(person)
    expect_greeting(person, demo, account)


@pytest.mark.slow
def test_a_link_opened_in_another_browser_asks_for_the_password_of_the_sign_up(
    person: Person, new_person: NewPerson, newcomer: Account, demo: Demo, steps: Steps
) -> None:
    account = newcomer
    sign_up(person, demo, account)
    phone = new_person()
    letter = steps.read_letter(phone, SUBJECT, account.email)
    link = re.search(r"http://\S+/verify-email/confirm\?\S+", letter)
    assert link
    phone.follow(link[0])
    phone.fill("Password you chose when you signed up", account.password)
    phone.press("Confirm email address")
    phone.expect_heading("Quill wants to access your account")
    person.page.reload()
    person.expect_heading("Sign in")
    person.expect_text("Your email address is already confirmed.")
    assert person.page.get_by_label("Email address", exact=True).input_value() == account.email
