"""Signing out: of the app and the provider at once, of one device from another, of everything."""

import pytest

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]


def test_signing_out_of_the_app_ends_the_session_at_the_provider_too(
    any_person: Person, account: Account, demo: Demo, steps: Steps
) -> None:
    person = any_person
    steps.sign_in_to_app(person, account)
    person.press("Sign out")
    person.expect_text("You are signed out.")
    assert person.page.url.startswith(demo.web_app)
    person.follow("Sign in")
    person.expect_heading("Sign in")


def test_signing_out_everywhere_ends_every_session_and_what_the_apps_hold(
    any_person: Person, new_person: NewPerson, account: Account, demo: Demo, steps: Steps
) -> None:
    person, phone = (
        any_person,
        new_person(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"),
    )
    steps.sign_in_to_app(phone, account)
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/sessions")
    person.expect_text("iPhone")
    person.press("Sign out everywhere")
    person.expect_heading("You are signed out")
    phone.press("Refresh the tokens")
    phone.expect_heading("Sign in")
    phone.open(f"{demo.provider}/account")
    phone.expect_heading("Sign in")


def expect_signed_out_of_the_app(person: Person, demo: Demo) -> None:
    """The app is told by the worker (Back-Channel Logout), which may take a moment."""

    def look() -> bool:
        person.open(demo.web_app)
        return "Hello" not in person.heading

    wait_until(look, what="the app was not notified", every=0.2)


def test_one_device_is_signed_out_from_another(
    person: Person, new_person: NewPerson, account: Account, demo: Demo, steps: Steps
) -> None:
    phone = new_person(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1")
    steps.sign_in_to_app(phone, account)
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/sessions")
    person.press("Sign out all other devices")
    person.page.get_by_text("iPhone").wait_for(state="detached")
    expect_signed_out_of_the_app(phone, demo)
    phone.open(f"{demo.provider}/account")
    phone.expect_heading("Sign in")
    person.open(f"{demo.provider}/account")
    person.expect_heading("Grace Hopper")
