"""Another email address for a user: on the operator's word, or confirmed by the user."""

import re
from collections.abc import Callable

import pytest

from provider.accounts.email import email_change
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.registration import sign_up_unverified
from provider.accounts.store.email_addresses import find_of_user
from provider.accounts.store.users import Status
from provider.config.general import FEATURES
from provider.config.settings import Settings
from provider.work import Installation
from tests.admin.conftest import Console, Program, events
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_user
from tests.support.home_realms import require_corp
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, is_signed_in, sign_in, sign_up

NEW = "ada@new.example.test"
BOB = "bob@example.test"


def problem(answer: object) -> str:
    return str(answer.json()["type"]).removeprefix("urn:signet:problem:")  # type: ignore[attr-defined]


@pytest.mark.also_on_postgresql
def test_an_operator_changes_the_address_on_their_word(
    operator: Program, ada: str, browser: Browser, inbox: Inbox, work: Work
) -> None:
    """Row "updateUser". The user signs in with it at once; the previous mailbox is notified and undoes nothing."""
    sign_in(browser)
    reset = operator("POST", f"/users/{ada}/links", purpose="reset").json()["url"]
    changed = operator("PATCH", f"/users/{ada}", email="Ada@New.example.test", roles=["clerk"])
    assert changed.status_code == 200, changed.text
    assert (changed.json()["email"], changed.json()["email_verified"]) == ("Ada@new.example.test", True)
    assert changed.json()["roles"] == ["clerk"]
    [notice] = inbox.letters()
    assert (notice.to, notice.subject) == (ADDRESS, "The email address of your Signet account was changed")
    assert "An administrator made this change" in notice.text
    assert "undo" not in notice.text + notice.html
    assert is_signed_in(browser)
    assert browser.open(reset).status == 410  # a link in the previous mailbox
    assert sign_in(browser).status == 400
    assert sign_in(browser, NEW).path == "/account"
    assert [user["id"] for user in operator.get(f"/users?search={NEW}")["users"]] == [ada]
    assert operator.get(f"/users?search={ADDRESS}")["users"] == []
    [event] = events(work, "account.email.changed")
    assert event["by"] == "operator"
    assert event["operator"].startswith("client ")


def test_an_operators_change_ends_the_undo_links_of_earlier_changes(
    operator: Program, ada: str, browser: Browser, inbox: Inbox, work: Work
) -> None:
    """Somebody who moved a stolen account from mailbox to mailbox does not get it back after the operator's help."""
    for email in ("first@thief.example.test", "second@thief.example.test"):
        with work() as w:
            current, address = find_of_user(w.db, ada), parse_address(email)
            assert current is not None
            assert address is not None
            link = email_change.begin(w, current, address=address)
        with work() as w:
            email_change.confirm_by_code(w, user_id=ada, code=link.code)
    undo = re.findall(r"\S+/undo-email-change\S+", inbox.latest("first@thief.example.test").text)
    assert operator("PATCH", f"/users/{ada}", email=ADDRESS).status_code == 200
    assert browser.open(undo[0]).status == 410


def test_the_same_address_again_changes_nothing_and_another_spelling_is_kept(
    operator: Program, ada: str, inbox: Inbox, work: Work
) -> None:
    seen = operator("GET", f"/users/{ada}").headers["etag"]
    assert operator("PATCH", f"/users/{ada}", email=ADDRESS, email_verified=True).headers["etag"] == seen
    assert events(work, "account.email.changed") == []
    assert operator("PATCH", f"/users/{ada}", email="ADA@example.test").json()["email"] == "ADA@example.test"
    assert inbox.letters() == []


@pytest.mark.also_on_postgresql
def test_an_inactive_account_becomes_active_with_an_address_the_operator_answers_for(
    operator: Program, browser: Browser, inbox: Inbox, work: Work
) -> None:
    """A mistyped address at sign-up: nobody writes to it, since it may be a stranger's."""
    sign_up(browser, "ada@exmaple.test")
    user = operator.get("/users?email=ada@exmaple.test")["users"][0]
    before = len(inbox.letters())
    changed = operator("PATCH", f"/users/{user['id']}", email=ADDRESS).json()
    assert (changed["status"], changed["email"], changed["email_verified"]) == ("ACTIVE", ADDRESS, True)
    assert len(inbox.letters()) == before
    assert "Your email address is already confirmed." in browser.open(inbox.latest("ada@exmaple.test").link).text
    assert sign_in(browser).path == "/account"
    assert events(work, "account.email.verified")[0]["by"] == "operator"


@pytest.mark.also_on_postgresql
def test_an_address_that_cannot_be_theirs_is_refused_both_ways(operator: Program, ada: str, work: Work) -> None:
    with work() as w:
        make_user(w, BOB)
    for email, kind in ((BOB.upper(), "address-taken"), ("nobody", "not-an-address"), ("", "not-an-address")):
        assert problem(operator("PATCH", f"/users/{ada}", email=email, roles=["x"])) == kind
        assert problem(operator("POST", f"/users/{ada}/email", email=email)) == kind
    assert problem(operator("PATCH", f"/users/{ada}", email=NEW, email_verified=False)) == "invalid-body"
    assert problem(operator("POST", f"/users/{ada}/email", email=ADDRESS)) == "same-address"
    shown = operator.get(f"/users/{ada}")
    assert (shown["email"], shown["roles"]) == (ADDRESS, [])
    assert events(work, "account.email.change_requested") == []


@pytest.mark.also_on_postgresql
def test_the_user_confirms_the_address_that_an_operator_entered(
    operator: Program, ada: str, browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """The link works for this user alone: a mistyped address gives its owner nothing."""
    with work() as w:
        make_user(w, BOB)
    assert operator("POST", f"/users/{ada}/email", email=NEW).status_code == 202
    assert operator.get(f"/users/{ada}/email") == {"email": ADDRESS, "email_verified": True, "pending": NEW}
    asked = inbox.latest(NEW)
    assert "An administrator entered it" in asked.text
    assert "An administrator asked to change" in inbox.latest(ADDRESS).text
    assert events(work, "account.email.change_requested")[0]["operator"].startswith("client ")
    stranger = new_browser()
    sign_in(stranger, BOB)
    assert stranger.open(asked.link).status == 410
    assert browser.open(asked.link).path == "/login"
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert browser.submit(button="Confirm").title.startswith("Email address changed")
    assert operator.get(f"/users/{ada}/email") == {"email": NEW, "email_verified": True}
    assert events(work, "account.email.changed")[0]["by"] == "user"


def test_a_pending_change_is_cancelled_once(operator: Program, ada: str, work: Work) -> None:
    assert problem(operator("POST", f"/users/{ada}/email/cancel")) == "no-pending-change"
    operator("POST", f"/users/{ada}/email", email=NEW)
    assert operator("POST", f"/users/{ada}/email/cancel").status_code == 204
    assert "pending" not in operator.get(f"/users/{ada}/email")
    assert operator("POST", f"/users/{ada}/email/cancel").status_code == 404
    assert events(work, "account.email.change_cancelled")[0]["operator"].startswith("client ")


@pytest.mark.also_on_postgresql
def test_an_account_that_waits_for_verification_gets_the_email_at_the_new_address(
    operator: Program, browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox
) -> None:
    """In a browser that did not sign up, the link needs the password that was chosen at sign-up."""
    sign_up(browser, "ada@exmaple.test")
    [user] = operator.get("/users?email=ada@exmaple.test")["users"]
    assert operator("POST", f"/users/{user['id']}/email", email=ADDRESS).status_code == 202
    shown = operator.get(f"/users/{user['id']}")
    assert (shown["status"], shown["email"], shown["email_verified"]) == ("INACTIVE", ADDRESS, False)
    anywhere = new_browser()
    anywhere.open(inbox.latest(ADDRESS).link)
    anywhere.submit({"password": PASSWORD})
    assert operator.get(f"/users/{user['id']}")["status"] == "ACTIVE"
    assert sign_in(anywhere).path == "/account"


def test_an_address_that_was_never_verified_hears_nothing_and_undoes_nothing(
    operator: Program, console: Console, new_browser: Callable[[], Browser], inbox: Inbox, work: Work
) -> None:
    """Of an account from the time when addresses were not verified. A stranger may read that mailbox."""
    address = parse_address(ADDRESS)
    assert address is not None
    with work() as w:
        ada = sign_up_unverified(w, address=address, password=PASSWORD, claims={})
    assert console.act(f"/users/{ada}/send-email-change", email=NEW).heading == ADDRESS
    browser = new_browser()
    browser.open(inbox.latest(NEW).link)
    browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert browser.submit(button="Confirm").title.startswith("Email address changed")
    assert operator.get(f"/users/{ada}/email") == {"email": NEW, "email_verified": True}
    assert inbox.letters(ADDRESS) == []
    assert events(work, "account.email.verified")[0]["by"] == "letter"


def test_who_cannot_confirm_is_not_asked(operator: Program, ada: str) -> None:
    operator("POST", f"/users/{ada}/suspend", reason="an inquiry")
    assert problem(operator("POST", f"/users/{ada}/email", email=NEW)) == "not-now"
    changed = operator("PATCH", f"/users/{ada}", email=NEW).json()
    assert (changed["status"], changed["email"]) == (Status.SUSPENDED, NEW)
    assert operator("POST", f"/users/{ada}/restore").status_code == 204
    assert operator.get(f"/users/{ada}")["status"] == "ACTIVE"


class TestWithoutThePage:
    """Where no page confirms a new address, only the operator's word counts."""

    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, features=frozenset(FEATURES) - {"update-profile"})

    def test_only_the_word_of_the_operator_changes_it(self, operator: Program, console: Console, ada: str) -> None:
        assert problem(operator("POST", f"/users/{ada}/email", email=NEW)) == "not-now"
        assert console.open(f"/users/{ada}/send-email-change").path == f"/admin/users/{ada}"
        assert operator("PATCH", f"/users/{ada}", email=NEW).json()["email"] == NEW


def test_an_operator_changes_it_at_the_console(console: Console, work: Work, inbox: Inbox) -> None:
    with work() as w:
        ada = make_user(w)
        make_user(w, BOB)
    page = console.act(f"/users/{ada}/email", email=BOB)
    assert page.status == 400
    assert "This email address is already used by another account." in page.text
    page = console.act(f"/users/{ada}/email", email=NEW, why="married")
    assert page.heading == NEW
    assert "Email address changed." in page.text
    [event] = events(work, "account.email.changed")
    assert (event["operator"], event["why"]) == (f"user {console.user_id}", "married")
    page = console.act(f"/users/{ada}/send-email-change", email=ADDRESS, why="and back")
    assert "Email queued for delivery." in page.text
    assert "An administrator entered it" in inbox.latest(ADDRESS).text


def test_a_change_that_another_operator_overtook_is_refused(console: Console, work: Work) -> None:
    with work() as w:
        ada = make_user(w)
    tab = console.browser.new_tab()
    tab.open(f"/admin/users/{ada}/email")
    console.act(f"/users/{ada}/email", email=NEW)
    assert tab.submit({"email": "ada@other.example.test"}).status == 412


def test_only_the_operators_word_changes_an_address_whose_users_sign_in_elsewhere(
    operator: Program, console: Console, ada: str, work: Work, installation: Installation
) -> None:
    """The user could not confirm another one."""
    assert "Request email change" in console.open(f"/users/{ada}").text
    require_corp(installation)
    assert "Request email change" not in console.open(f"/users/{ada}").text
    assert problem(operator("POST", f"/users/{ada}/email", email=NEW)) == "not-now"
    assert operator("PATCH", f"/users/{ada}", email=NEW).status_code == 200
