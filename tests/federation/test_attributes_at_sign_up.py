"""A sign-up with an upstream asks for the attributes that operators require of new users."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts.store import email_addresses
from tests.federation.conftest import EXAMPLE, identities_of, sign_out
from tests.federation.fake_provider import Traveller
from tests.support.attributes import EVERYONE, declare, values_of
from tests.support.browser import Browser, Field, Press
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, is_signed_in

AT_SIGN_UP: dict[str, Any] = {"seen_by": EVERYONE, "edited_by": EVERYONE, "shown_at": ["sign-up"]}
QUESTION = "A few more details are needed."


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {
        "example": {**EXAMPLE, "roles_claim": "realm.groups"},
        "example.claims": {"nickname": "login"},
        "example.roles": {"editors": "editor"},
    }


@pytest.fixture
def required(work: Work) -> None:
    declare(work, "customer_number", "number", required_at=["sign-up"], **AT_SIGN_UP)
    declare(work, "department", **AT_SIGN_UP)


@pytest.fixture
def asked(traveller: Traveller, required: None) -> Traveller:
    """Ada, who came from the upstream and has to answer."""
    traveller.provider.claims |= {
        "name": "Ada",
        "login": "ada",
        "realm": {"groups": ["editors", "x"]},
        "big": "x" * 9000,
    }
    page = traveller.sign_in("/login?return_to=/account/profile")
    assert QUESTION in page.text
    assert ADDRESS in page.text
    assert "Language" not in page.text
    return traveller


def exists(work: Work) -> bool:
    with work() as w:
        return email_addresses.find_owner(w.read, ADDRESS) is not None


def test_the_account_begins_with_the_answers(asked: Traveller, work: Work) -> None:
    assert not exists(work)
    page = asked.browser.submit({"attributes.customer_number": "42"})
    assert page.path == "/account/profile", "and the way goes on to where it was leading"
    user = find_user(work)
    assert values_of(work, user.id) == {"customer_number": 42}
    assert (user.claims, user.roles) == ({"name": "Ada", "nickname": "ada"}, ["editor"])
    assert len(identities_of(work, user.id)) == 1
    sign_out(asked.browser)
    assert asked.sign_in().path == "/account", "and nobody is asked again"


def test_wrong_and_missing_answers_are_shown(asked: Traveller, work: Work) -> None:
    for typed, problem in (("", "This field is required."), ("many", "Enter a number")):
        page = asked.browser.submit({"attributes.customer_number": typed, "attributes.department": "Sales"})
        assert page.status == 400
        assert problem in page.text
        assert "Sales" in page.html
    assert not exists(work)
    assert asked.browser.submit({"attributes.customer_number": "7"}).path == "/account/profile"
    assert values_of(work, find_user(work).id) == {"customer_number": 7, "department": "Sales"}


def test_the_form_works_once_and_in_its_browser_only(
    asked: Traveller, new_browser: Callable[[], Browser], work: Work
) -> None:
    """N-396."""
    page = asked.browser.page
    assert page is not None
    form = page.form("ticket")
    stranger = new_browser()
    theirs = stranger.open("/login").forms[0]
    theirs.action = form.action
    theirs.fields += [
        Field(field.name, field.value or "42", "text") for field in form.fields if field.name != "csrf_token"
    ]
    assert stranger.take(Press(theirs, theirs.buttons[0])).status == 400
    assert asked.browser.submit({"attributes.customer_number": "42"}).path == "/account/profile"
    again = Press(form, form.buttons[0])
    assert asked.browser.take(again, page).path == "/account/profile", "a second press"
    sign_out(asked.browser)
    assert "This sign-in has expired" in asked.browser.take(again, page).text
    assert not is_signed_in(asked.browser)


def test_an_answer_that_comes_too_late_creates_nothing(asked: Traveller, clock: Clock, work: Work) -> None:
    """N-397."""
    clock.advance(minutes=31)
    assert "This sign-in has expired" in asked.browser.submit({"attributes.customer_number": "42"}).text
    assert not exists(work)


def test_an_address_that_somebody_took_meanwhile_is_not_taken_over(asked: Traveller, work: Work) -> None:
    """N-398."""
    with work() as w:
        make_user(w, ADDRESS)
    assert "You already have an account" in asked.browser.submit({"attributes.customer_number": "42"}).text
    assert not is_signed_in(asked.browser)


def test_optional_attributes_alone_stop_nobody(traveller: Traveller, work: Work) -> None:
    declare(work, "department", **AT_SIGN_UP)
    assert traveller.sign_in().path == "/account"


def test_who_has_an_account_is_not_asked(linked: str, traveller: Traveller, required: None) -> None:
    assert traveller.sign_in().path == "/account"
