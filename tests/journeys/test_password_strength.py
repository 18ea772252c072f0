"""Beside a new password its strength is told, while it is typed and where scripts run; it changes nothing else."""

import re

import pytest
from playwright.sync_api import Locator, Request, Route, expect

from tests.journeys.conftest import Account, Steps
from tests.support.chromium import NewPerson, Person
from tests.support.demo_process import Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

WEAK, FAIR, STRONG = "password1", "kT7#pq2w", "correct horse battery staple"


def told(person: Person) -> Locator:
    return person.page.get_by_role("status")


def expect_word(person: Person, word: str | None) -> None:
    """What is to be seen, and for a screen reader to say; None is nothing."""
    expect(told(person)).to_have_text(f"Strength: {word}" if word else "", use_inner_text=True)


def bar(person: Person) -> Locator:
    return person.page.locator(".bar")


def asked(person: Person) -> list[Request]:
    """What the page asks from now on."""
    requests: list[Request] = []
    person.page.on("request", lambda request: requests.append(request) if "/password-strength" in request.url else None)
    return requests


def test_it_is_told_while_somebody_types_and_is_gone_with_the_password(person: Person, demo: Demo) -> None:
    person.open(f"{demo.provider}/signup")
    requests = asked(person)
    expect_word(person, None)
    expect(told(person)).to_have_attribute("aria-live", "polite")
    expect(bar(person)).to_be_hidden()
    below = person.page.get_by_role("button", name="Create an account")
    before = below.bounding_box()
    for password, word in ((WEAK, "very weak"), (FAIR, "fair"), (STRONG, "strong")):
        person.fill("Create a password", password)
        expect_word(person, word)
        expect(bar(person)).to_be_visible()
        assert below.bounding_box() == before, "the button moves under the pointer"
    person.fill("Create a password", "")
    expect_word(person, None)
    expect(bar(person)).to_be_hidden()
    assert len(requests) == 3
    assert all(request.method == "POST" and STRONG not in request.url for request in requests)


@pytest.mark.slow
def test_it_is_asked_in_a_pause_and_not_at_every_key(person: Person, demo: Demo) -> None:
    person.open(f"{demo.provider}/signup")
    requests = asked(person)
    person.page.get_by_label("Create a password", exact=True).press_sequentially(STRONG)
    expect_word(person, "strong")
    assert len(requests) < len(STRONG) / 2


@pytest.mark.slow
def test_the_words_around_a_person_count(person: Person, demo: Demo) -> None:
    person.open(f"{demo.provider}/signup")
    person.fill("Full name (optional)", "Augusta Enchantress")
    person.fill("Create a password", "augusta enchantress")
    expect_word(person, "very weak")


@pytest.mark.slow
def test_it_is_beside_a_new_password_and_no_other(person: Person, account: Account, demo: Demo, steps: Steps) -> None:
    person.open(f"{demo.provider}/login")
    person.fill("Password", STRONG)
    assert told(person).count() == 0
    person.open(f"{demo.provider}/forgot-password")
    person.fill("Email address", account.email)
    person.press("Send link")
    letter = steps.read_letter(person, "Reset your Signet password", account.email)
    found = re.search(r"http://\S+/reset-password\?\S+", letter)
    assert found
    person.open(found[0])
    person.fill("New password", FAIR)
    expect_word(person, "fair")
    steps.sign_in_to_app(person, account)
    person.open(f"{demo.provider}/account/password")
    requests = asked(person)
    person.fill("Current password", account.password)
    person.fill("New password", "grace.hopper12")  # their name is known here
    expect_word(person, "very weak")
    assert account.password not in (requests[0].post_data or "")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [429, 503, None], ids=["too many", "outage", "no network"])
def test_when_it_cannot_be_had_nothing_is_said(new_person: NewPerson, demo: Demo, answer: int | None) -> None:
    person = new_person()
    person.open(f"{demo.provider}/signup")
    person.fill("Create a password", FAIR)
    expect_word(person, "fair")

    def fail(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(status=answer, json={"error": "temporarily_unavailable"})

    person.page.route("**/password-strength*", fail)
    with person.page.expect_request("**/password-strength*"):
        person.fill("Create a password", STRONG)
    expect_word(person, None)
    expect(bar(person)).to_be_hidden()
    assert person.title.startswith("Create an account")
    person.problems.clear()  # the browser's own words about what was made to fail


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colors_the_bar_is_still_a_bar(new_person: NewPerson, demo: Demo, scheme: str) -> None:
    person = new_person(forced_colors="active", color_scheme=scheme)
    person.open(f"{demo.provider}/signup")
    person.fill("Create a password", FAIR)
    expect_word(person, "fair")
    color = "element => getComputedStyle(element).backgroundColor"
    filled, around = bar(person).locator("span").evaluate(color), person.page.locator("main").evaluate(color)
    assert filled != around


@pytest.mark.slow
def test_without_scripts_the_page_shows_none_of_it(new_person: NewPerson, demo: Demo) -> None:
    person = new_person(java_script_enabled=False)
    person.open(f"{demo.provider}/signup")
    person.fill("Create a password", STRONG)
    assert person.page.get_by_text("Strength").count() == 1
    expect(person.page.get_by_text("Strength")).to_be_hidden()
