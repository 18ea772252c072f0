"""Declared attributes on the pages of users: sign-up and profile."""

import pytest

from provider.accounts.store import email_addresses
from tests.support.attributes import OPEN, declare, give, values_of
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work
from tests.support.people import sign_in

SEEN = {"seen_by": ["user", "operator"], "edited_by": ["operator"], "shown_at": ["profile"]}


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


def test_a_user_edits_attributes_on_the_profile_page(browser: Browser, ada: str, work: Work) -> None:
    declare(work, "team", "enum", **OPEN, rules={"values": {"red": {"en": "Red team"}, "blue": {}}}, help="Your team")
    declare(work, "langs", "list", **OPEN)
    declare(work, "level", "number", **SEEN)
    declare(work, "hidden")
    give(work, ada, level=3, hidden="secret")
    page = browser.open("/account/profile")
    assert "Red team" in page.text
    assert "Your team" in page.text
    assert "secret" not in page.text
    page = browser.submit({"attributes.team": "red", "attributes.langs": "de\r\nen\r\n", "name": "Ada"})
    assert "Profile saved." in page.text
    assert values_of(work, ada) == {"team": "red", "langs": ["de", "en"], "level": 3, "hidden": "secret"}
    browser.open("/account/profile")
    page = browser.submit({"attributes.team": ""})
    assert "team" not in values_of(work, ada)


def test_an_invalid_value_keeps_what_was_typed_and_changes_nothing(browser: Browser, ada: str, work: Work) -> None:
    """N-250."""
    declare(work, "born", "date", **OPEN)
    declare(work, "team", **OPEN, required_at=["profile"])
    browser.open("/account/profile")
    page = browser.submit({"attributes.born": "31.12.1990", "name": "Changed"})
    assert page.status == 400
    assert "Enter a date, for example 2026-11-21." in page.text
    assert "31.12.1990" in page.html
    page = browser.submit({"attributes.born": "1990-12-31", "name": "Changed"})
    assert "This field is required." in page.text
    assert values_of(work, ada) == {}
    page = browser.submit({"attributes.born": "1990-12-31", "attributes.team": "Blue"})
    assert values_of(work, ada) == {"born": "1990-12-31", "team": "Blue"}


def test_an_outdated_value_is_marked_and_may_stay(browser: Browser, ada: str, work: Work) -> None:
    """N-251."""
    declare(work, "code", **OPEN)
    give(work, ada, code="old")
    declare(work, "code", **OPEN, rules={"pattern": "^[0-9]+$"})
    page = browser.open("/account/profile")
    assert "The rules for this have changed." in page.text
    assert "Profile saved." in browser.submit({"name": "Ada"}).text
    browser.open("/account/profile")
    assert browser.submit({"attributes.code": "older"}).status == 400
    assert values_of(work, ada) == {"code": "old"}


def test_the_form_to_sign_up_asks_for_attributes(browser: Browser, work: Work) -> None:
    """N-252."""
    declare(work, "team", **OPEN | {"shown_at": ["sign-up"]}, required_at=["sign-up"])
    declare(work, "level", "number", **OPEN | {"shown_at": ["sign-up"]})
    declare(work, "later", **OPEN)
    page = browser.open("/signup")
    assert "attributes.team" in page.html
    assert "attributes.later" not in page.html
    given = {"email": "new@example.test", "password": PASSWORD}
    page = browser.submit({**given, "attributes.level": "high"})
    assert page.status == 400
    assert "This field is required." in page.text
    assert "Enter a number" in page.text
    page = browser.submit({**given, "attributes.team": "Blue", "attributes.level": "3"})
    assert page.path == "/verify-email"
    with work() as w:
        [(user, _)] = email_addresses.find_claims(w.read, "new@example.test")
    assert values_of(work, user.id) == {"team": "Blue", "level": 3}
