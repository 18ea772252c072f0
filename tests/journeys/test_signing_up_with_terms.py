"""Terms of service, sign-in with a code by email and proof of work, all turned on: what a newcomer meets on the way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Account, Steps
from tests.journeys.looked_at import sees
from tests.journeys.test_accessibility import Inspector, axe, inspector
from tests.support.chromium import Person
from tests.support.demo_process import Demo, running_demo

__all__ = ["axe", "inspector"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

ACCEPTS = "I accept the terms of service"


@pytest.fixture
def strict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    for name, value in {
        "SIGNET_TERMS_VERSION": "2026-11",
        "SIGNET_TERMS_URL": "https://example.com/terms",
        "SIGNET_EMAIL_CODE_SIGN_IN": "true",
        "SIGNET_PROOF_OF_WORK": "3000",
    }.items():
        monkeypatch.setenv(name, value)
    with running_demo(tmp_path / "demo") as demo:
        demo.wait_until_filled()
        yield demo


def code_for(person: Person, steps: Steps, subject: str, to: str) -> str:
    found = re.search(r"\b(\d{6})\b", steps.read_letter(person, subject, to))
    assert found
    return found[1]


@sees("/login/email-code", "/login/email-code/enter")
def test_a_newcomer_accepts_the_terms_and_later_signs_in_by_email(
    strict: Demo, inspector: Inspector, newcomer: Account
) -> None:
    """The browser computes the proof; otherwise the sixth form would be refused."""
    person, see, page = inspector.person, inspector.see, inspector.person.page
    steps = Steps(strict)
    for number in range(6):
        person.open(f"{strict.provider}/forgot-password")
        person.fill("Email address", f"nobody{number}@example.test")
        person.press("Send link")
        person.expect_heading("Check your email")
    person.open(f"{strict.provider}/signup")
    expect(page.locator("[data-proof]")).not_to_have_value("")
    person.fill("Email address", newcomer.email)
    person.fill("Create a password", newcomer.password)
    person.press("Create an account")
    person.expect_text("Accept the terms of service to create an account.")
    see("sign-up-with-terms", "Create an account")
    page.get_by_label(ACCEPTS).check()
    person.fill("Create a password", newcomer.password)
    person.press("Create an account")
    person.expect_heading("Check your email")
    address = page.url
    code = code_for(person, steps, "Confirm your email address for Signet", newcomer.email)
    person.open(address)
    person.fill("6-digit code", code)
    person.press("Confirm email address")
    person.open(f"{strict.provider}/account")
    person.press("Sign out")
    person.open(f"{strict.provider}/login")
    see("sign-in-with-email-code", "Sign in")
    person.follow("Sign in with a code by email")
    see("email-code", "Sign in with a code by email")
    person.fill("Email address", newcomer.email)
    person.press("Email me a code")
    see("enter-code", "Check your email")
    address = page.url
    code = code_for(person, steps, "Your code to sign in to Signet", newcomer.email)
    person.open(address)
    person.fill("6-digit code", code)
    person.press("Sign in")
    page.wait_for_url(f"{strict.provider}/account")


@sees("/login/terms")
def test_a_user_of_before_accepts_the_terms_on_the_way_to_the_app(strict: Demo, inspector: Inspector) -> None:
    person = inspector.person
    person.open(strict.web_app)
    person.follow("Sign in")
    person.fill("Email address", "ada@example.com")
    person.fill("Password", strict.secrets["password"])
    person.press("Sign in")
    inspector.see("terms", "Terms of service")
    person.press("Accept and continue")
    Steps(strict).allow(person)
    assert person.page.url.startswith(strict.web_app)
