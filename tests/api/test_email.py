"""Another email address by API: asked for with a recent proof, proven by the new mailbox, told to the old one."""

from collections.abc import Callable

import pytest

from provider.accounts import suspension
from provider.accounts.store import email_addresses
from provider.audit.events import Event
from provider.audit.store import find
from provider.work import Installation
from tests.api.conftest import App, Caller, problem, turn_on_two_factor
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.home_realms import require_corp
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, sign_in

NEW = "ada@new.example.test"
TAKEN = "eve@example.test"
WRONG = "000000"


def address_of(work: Work, user_id: str) -> str:
    with work() as w:
        found = email_addresses.find_of_user(w.read, user_id)
    assert found is not None
    assert found.verified_at is not None
    return found.address


def another_than(code: str) -> str:
    return WRONG if code != WRONG else "111111"


def test_the_old_address_stays_until_the_new_one_is_confirmed(
    app_of_ours: App, as_ada: Caller, ada: str, inbox: Inbox, work: Work
) -> None:
    """Replaces: profile, password, confirm-password."""
    assert as_ada.get("/email") == {"email": ADDRESS}
    asked = as_ada("POST", "/email", email=NEW)
    assert (asked.status_code, asked.content) == (202, b"")
    assert as_ada.get("/email") == {"email": ADDRESS, "pending": NEW}
    assert as_ada.get("/profile")["email"] == ADDRESS
    assert "Request to change" in inbox.latest(ADDRESS).subject
    code = inbox.latest(NEW).code
    assert problem(as_ada("POST", "/email/confirm", code=another_than(code))) == "wrong-code"
    assert as_ada("POST", "/email/confirm", code=f" {code[:3]} {code[3:]}").status_code == 204
    assert as_ada.get("/email") == {"email": NEW}
    assert address_of(work, ada) == NEW
    assert problem(as_ada("POST", "/email/confirm", code=code)) == "wrong-code"
    assert app_of_ours.challenge().json()["error"] == "access_denied"
    assert app_of_ours.challenge(username=NEW).status_code == 200
    with work() as w:
        names = [event.name for event in find(w.read, user_id=ada, limit=10)]
    assert {Event.EMAIL_CHANGE_REQUESTED, Event.EMAIL_CHANGED} <= set(names)


@pytest.mark.both_databases
def test_the_old_address_is_told_and_can_undo_it(
    as_ada: Caller, ada: str, inbox: Inbox, browser: Browser, work: Work
) -> None:
    """A-74."""
    as_ada("POST", "/email", email=NEW)
    as_ada("POST", "/email/confirm", code=inbox.latest(NEW).code)
    letter = inbox.latest(ADDRESS)
    assert "was changed" in letter.subject
    browser.open(next(word for word in letter.text.split() if "/undo-email-change" in word))
    browser.submit(button="Undo change")
    assert address_of(work, ada) == ADDRESS
    assert problem(as_ada("GET", "/email")) == "invalid_token"


def test_the_link_of_the_letter_works_in_the_persons_browser(
    as_ada: Caller, ada: str, inbox: Inbox, browser: Browser, new_browser: Callable[[], Browser], work: Work
) -> None:
    """And in nobody else's; opening it changes nothing (A-83)."""
    as_ada("POST", "/email", email=NEW)
    link = inbox.latest(NEW).link
    with work() as w:
        make_user(w, TAKEN)
    stranger = new_browser()
    sign_in(stranger, TAKEN)
    assert stranger.open(link).status == 410
    sign_in(browser)
    browser.open(link)
    assert address_of(work, ada) == ADDRESS
    assert browser.submit(button="Confirm new address").title.startswith("Email address changed")
    assert as_ada.get("/email") == {"email": NEW}


def test_asking_needs_a_recent_proof(as_ada: Caller, ada: str, inbox: Inbox, clock: Clock, work: Work) -> None:
    """A-74, OWASP ASVS v5.0.0-7.5.1: a stale token is asked again, and nothing is sent."""
    clock.advance(minutes=16)
    refused = as_ada("POST", "/email", email=NEW)
    assert problem(refused) == "confirmation-needed"
    assert 'max_age="900"' in refused.headers["www-authenticate"]
    assert as_ada.get("/email") == {"email": ADDRESS}
    assert inbox.letters() == []
    as_ada("POST", "/confirm-password", password=PASSWORD)
    assert as_ada("POST", "/email", email=NEW).status_code == 202


def test_whoever_has_a_second_factor_shows_it(
    register_app: Callable[..., App], as_ada: Caller, clock: Clock, inbox: Inbox
) -> None:
    """A-74: by a session that itself lacks the factor; a code that was used is no proof."""
    other = register_app().sign_in()
    key, _ = turn_on_two_factor(as_ada, clock)
    assert problem(other("POST", "/email", email=NEW)) == "second-factor-needed"
    used = code_of(key, clock.now)
    assert problem(other("POST", "/confirm-password", password=PASSWORD, code=used)) == "used-second-factor"
    assert problem(other("POST", "/email", email=NEW)) == "second-factor-needed"
    assert inbox.letters(NEW) == []
    clock.advance(minutes=1)
    other("POST", "/confirm-password", password=PASSWORD, code=code_of(key, clock.now))
    assert other("POST", "/email", email=NEW).status_code == 202
    assert other("POST", "/email/confirm", code=inbox.latest(NEW).code).status_code == 204


@pytest.mark.parametrize("email", [TAKEN, "EVE@example.test"])
@pytest.mark.parametrize("state", ["active", "suspended"])
def test_an_address_of_somebody_else_looks_like_any_other(
    as_ada: Caller, ada: str, inbox: Inbox, work: Work, unlimited: None, email: str, state: str
) -> None:
    """A-81, A-86: the answers are the same, the owner gets a letter, no code fits."""
    with work() as w:
        eve = make_user(w, TAKEN)
        if state == "suspended":
            suspension.suspend(w, user_id=eve, reason=None)
    free = as_ada("POST", "/email", email=NEW)
    assert as_ada.get("/email")["pending"] == NEW
    taken = as_ada("POST", "/email", email=email)
    assert (taken.status_code, taken.content) == (free.status_code, free.content) == (202, b"")
    assert taken.headers.keys() == free.headers.keys()
    assert as_ada.get("/email")["pending"].lower() == TAKEN
    assert "already has an account" in inbox.latest(email).subject
    for code in ("123456", WRONG):
        assert problem(as_ada("POST", "/email/confirm", code=code)) == "wrong-code"
    assert (address_of(work, ada), address_of(work, eve)) == (ADDRESS, TAKEN)


def test_too_many_letters_are_not_sent_and_not_told(as_ada: Caller, ada: str, inbox: Inbox) -> None:
    """A-81."""
    answers = {as_ada("POST", "/email", email=NEW).status_code for _ in range(10)}
    assert answers == {202}
    assert 0 < len(inbox.letters(NEW)) < 10


def test_five_wrong_codes_end_the_code(as_ada: Caller, ada: str, inbox: Inbox, work: Work, unlimited: None) -> None:
    as_ada("POST", "/email", email=NEW)
    code = inbox.latest(NEW).code
    for _ in range(5):
        assert problem(as_ada("POST", "/email/confirm", code=another_than(code))) == "wrong-code"
    assert problem(as_ada("POST", "/email/confirm", code=code)) == "wrong-code"
    assert address_of(work, ada) == ADDRESS


def test_a_code_is_good_for_ten_minutes_and_for_the_person_who_asked(
    app_of_ours: App, as_ada: Caller, ada: str, inbox: Inbox, clock: Clock, work: Work
) -> None:
    """A-83."""
    with work() as w:
        make_user(w, TAKEN)
    as_ada("POST", "/email", email=NEW)
    code = inbox.latest(NEW).code
    eve = app_of_ours.sign_in(username=TAKEN)
    assert problem(eve("POST", "/email/confirm", code=code)) == "wrong-code"
    clock.advance(minutes=11)
    assert problem(as_ada("POST", "/email/confirm", code=code)) == "wrong-code"
    assert address_of(work, ada) == ADDRESS


def test_a_pending_change_is_called_off(
    as_ada: Caller, ada: str, inbox: Inbox, browser: Browser, work: Work, unlimited: None
) -> None:
    """Its code and its link are dead; calling off nothing is no problem."""
    as_ada("POST", "/email", email=NEW)
    letter = inbox.latest(NEW)
    assert as_ada("POST", "/email/cancel").status_code == 204
    assert as_ada.get("/email") == {"email": ADDRESS}
    assert problem(as_ada("POST", "/email/confirm", code=letter.code)) == "wrong-code"
    sign_in(browser)
    assert browser.open(letter.link).status == 410
    assert as_ada("POST", "/email/cancel").status_code == 204
    with work() as w:
        names = [event.name for event in find(w.read, user_id=ada, limit=20)]
    assert names.count(Event.EMAIL_CHANGE_CANCELLED) == 1
    assert address_of(work, ada) == ADDRESS


@in_one_world(
    ("email", "kind"),
    [
        ("", "invalid-body"),
        ("nobody", "invalid-body"),
        ("a@b@c", "invalid-body"),
        ("a\x00b@example.test", "invalid-body"),
        ("x" * 250 + "@example.test", "invalid-body"),
        (ADDRESS, "same-address"),
        ("ADA@example.test", "same-address"),
    ],
)
def test_what_is_no_other_address_is_refused(as_ada: Caller, inbox: Inbox, email: str, kind: str) -> None:
    assert problem(as_ada("POST", "/email", email=email)) == kind
    assert inbox.letters() == []


def test_an_address_that_no_email_can_reach_is_refused_at_its_member(
    app_of_ours: App, as_ada: Caller, inbox: Inbox
) -> None:
    """RFC 6531 section 3.4: the mail server of these settings does not support SMTPUTF8."""
    undeliverable, waiting = "zoë@new.example.test", len(inbox.letters())
    for refused in (
        as_ada("POST", "/email", email=undeliverable),
        app_of_ours.call("/register", email=undeliverable, password=PASSWORD),
    ):
        assert (refused.status_code, problem(refused)) == (400, "invalid-body")
        (error,) = refused.json()["errors"]
        assert error["member"] == "email"
        assert "non-Latin letters before the @" in error["problem"]
    assert as_ada.get("/email") == {"email": ADDRESS}
    assert len(inbox.letters()) == waiting


def test_an_address_whose_users_sign_in_elsewhere_is_not_left(
    as_ada: Caller, ada: str, inbox: Inbox, work: Work, installation: Installation
) -> None:
    as_ada("POST", "/email", email=NEW)
    code, waiting = inbox.latest(NEW).code, len(inbox.letters())
    require_corp(installation)
    assert problem(as_ada("POST", "/email/confirm", code=code)) == "wrong-code"
    assert problem(as_ada("POST", "/email", email=NEW)) == "address-managed"
    assert len(inbox.letters()) == waiting
    assert address_of(work, ada) == ADDRESS
