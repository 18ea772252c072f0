"""Several accounts in one browser: at work and at home, on the way to an app and back."""

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def work_account(operator: Account) -> Account:
    return operator


def test_a_person_switches_between_two_accounts_and_signs_out_of_one(
    any_person: Person, account: Account, work_account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    person.open(f"{demo.provider}/account")
    steps.sign_in(person, account)
    person.expect_heading("Grace Hopper")
    person.follow("Switch account")
    person.expect_heading("Choose an account")
    person.press("Use a different account")
    steps.sign_in(person, work_account)
    person.expect_heading("Grace Hopper")
    person.expect_text(work_account.email)

    person.open(demo.web_app)
    person.follow("Sign in")
    person.expect_heading("Choose an account")
    person.page.get_by_role("button", name=f"Grace Hopper {account.email}", exact=True).press("Enter")  # by keyboard
    steps.allow(person)
    person.open(f"{demo.provider}/account")
    person.expect_text(account.email)

    person.press("Sign out")
    person.expect_text("still signed in to other accounts")
    person.expect_text(work_account.email)
    person.follow("Choose an account")
    person.press(f"Grace Hopper {work_account.email}")
    person.expect_text(work_account.email)
    person.follow("Switch account")
    person.press(f"Sign out {work_account.email}")
    person.expect_heading("You are signed out")
    person.open(f"{demo.provider}/account")
    person.expect_heading("Sign in")
