"""The console: people, and what operators do to their accounts."""

import re

import pytest

from provider.accounts import linked_identities, registration
from provider.accounts.store import users
from tests.admin.conftest import Console, action_form, events
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import find_user, sign_in

UPSTREAM = "https://accounts.example"

pytestmark = pytest.mark.also_on_postgresql


def test_somebody_is_found_and_shown_with_all_that_hangs_on_them(console: Console, work: Work) -> None:
    with work() as w:
        make_user(w, "grace@example.test", name="Grace <b>Hopper</b>", roles=("staff",))
    page = console.open("/users?q=gra")
    assert "grace@example.test Grace <b>Hopper</b> active staff" in page.text
    assert "<b>Hopper" not in page.html
    page = console.open(page.links["grace@example.test"].removeprefix("/admin"))
    assert page.heading == "grace@example.test"
    assert "account.created" in console.browser.follow("Activity").text
    assert console.open("/users?q=nobody").text.count("No one matches that search.") == 1
    assert console.open("/users/00000000-0000-7000-8000-000000000000").status == 404


def test_a_list_goes_on_and_nobody_makes_up_where(console: Console, work: Work) -> None:
    """A-130: the place where a page begins is sealed; an edited one counts as none."""
    with work() as w:
        for number in range(60):
            make_user(w, f"person{number:02}@example.test")
    page = console.open("/users?q=person")
    first = re.findall(r"person\d\d@", page.text)
    further = page.links["Next page"]
    rest = re.findall(r"person\d\d@", console.browser.open(further).text)
    assert len(first) == 50
    assert first + rest == [f"person{number:02}@" for number in range(60)]
    assert "Next page" not in console.browser.open(further).links
    assert re.findall(r"person\d\d@", console.browser.open(further + "x").text) == first
    assert re.findall(r"person\d\d@", console.browser.open(further.replace("q=person", "q=';--")).text) == []


def test_suspending_asks_first_ends_everything_and_says_who_and_why(
    console: Console, work: Work, browser: Browser, phone: Browser
) -> None:
    with work() as w:
        user_id = make_user(w)
    sign_in(phone)
    asked = console.open(f"/users/{user_id}/suspend")
    assert "All of the user's sessions, tokens and links end immediately." in asked.text
    assert find_user(work).status == "ACTIVE"
    page = console.act(f"/users/{user_id}/suspend", why="chargebacks")
    assert "Account suspended." in page.text
    assert "suspended chargebacks" in page.text
    assert phone.open("/account").path == "/login"
    told = events(work, "account.suspended")[0]
    assert (told["reason"], told["why"], told["operator"]) == ("chargebacks", "chargebacks", f"user {console.user_id}")
    assert (told["before"], told["after"]) == ({"status": "ACTIVE"}, {"status": "SUSPENDED"})
    page = console.act(f"/users/{user_id}/restore", why="paid")
    assert "Account restored." in page.text
    assert events(work, "account.restored")[0]["why"] == "paid"
    # Done meanwhile, or in another tab: no dead end.
    assert console.browser.open(f"/admin/users/{user_id}/restore").path == f"/admin/users/{user_id}"


def test_an_invited_person_chooses_the_password(console: Console, work: Work, inbox: Inbox, phone: Browser) -> None:
    console.open("/users/new")
    page = console.browser.submit({"email": "Grace@example.test", "name": "Grace Hopper", "roles": "staff shop:buyer"})
    assert page.heading == "Grace@example.test"
    letter = inbox.latest("Grace@example.test")
    assert letter.subject == "You've been invited to Signet"
    link = re.search(r"/reset-password\?token=\S+", letter.text)
    assert link
    phone.open(link[0])
    phone.submit({"password": PASSWORD})
    assert sign_in(phone, "grace@example.test").path == "/account"
    user = find_user(work, "grace@example.test")
    assert (user.roles, user.claims["name"]) == (["staff", "shop:buyer"], "Grace Hopper")
    assert phone.open(link[0]).status == 410


def test_what_cannot_be_an_account_is_said_at_its_field(console: Console, work: Work) -> None:
    with work() as w:
        make_user(w)
    console.open("/users/new")
    page = console.browser.submit({"email": "ada@example.test", "name": "x" * 101, "roles": "ä"})
    assert page.status == 400
    assert "Enter at most 100 characters" in page.text
    assert "A role can contain ASCII letters" in page.text
    page = console.browser.submit({"email": "ada@example.test", "name": "", "roles": ""})
    assert "This email address is already used by another account." in page.text
    page = console.browser.submit({"email": "ada", "name": "", "roles": ""})
    assert page.title.startswith("Error: ")


def test_nobody_shuts_themselves_out(console: Console, work: Work) -> None:
    for act in ("suspend", "delete"):
        page = console.act(f"/users/{console.user_id}/{act}")
        assert "You can't do this to your own account." in page.text
    page = console.act(f"/users/{console.user_id}/roles", roles="staff")
    assert page.status == 400
    with work() as w:
        user = users.find(w.read, console.user_id)
        assert user is not None
        assert (user.status, user.roles) == ("ACTIVE", ["admin"])


def test_devices_applications_and_accounts_end_one_by_one(
    console: Console, work: Work, phone: Browser, inbox: Inbox
) -> None:
    with work() as w:
        user_id = make_user(w)
    sign_in(phone)
    page = console.open(f"/users/{user_id}/sessions")
    target = next(
        link for words, link in page.links.items() if words.startswith("Sign out ") and "end-session?" in link
    )
    page = console.act(target.removeprefix("/admin"))
    assert "Device signed out." in page.text
    assert phone.open("/account").path == "/login"
    assert console.browser.open(target).path == f"/admin/users/{user_id}/sessions"  # gone meanwhile
    page = console.act(f"/users/{user_id}/send-reset")
    assert inbox.latest("ada@example.test").subject == "Reset your Signet password"
    page = console.act(f"/users/{user_id}/make-link")
    link = re.search(r"http\S+/reset-password\?token=[\w-]+", page.text)
    assert link
    assert phone.open(link[0]).heading == "Choose a new password"
    page = console.act(f"/users/{user_id}/delete", why="asked for it")
    assert page.path == "/admin/users"
    assert "Account deleted." in page.text
    assert events(work, "account.deleted")[0]["why"] == "asked for it"


def test_the_only_way_in_is_unlinked_after_another_question(console: Console, work: Work, inbox: Inbox) -> None:
    with work() as w:
        user_id = registration.create_user(w, email="ada@example.test", password=None, verified=True)
        for subject in ("117", "118"):
            linked_identities.link(w, user_id=user_id, issuer=UPSTREAM, subject=subject, email=None, name=UPSTREAM)
    one, other = [target for words, target in console.open(f"/users/{user_id}").links.items() if "Unlink" in words]
    assert "/unlink?" in one
    stale = console.browser.new_tab()
    question = stale.open(other)
    assert "Account unlinked." in console.act(one.removeprefix("/admin")).text
    [last] = [target for words, target in console.open(f"/users/{user_id}").links.items() if "Unlink" in words]
    assert "/unlink-last?" in last
    asked = stale.submit({}, action=action_form(question).action)  # of before it became the last one
    assert (asked.path, asked.heading) == (last.partition("?")[0], "Unlink the only way to sign in")
    assert "The user won't be able to sign in." in asked.text
    page = console.act(last.removeprefix("/admin"), why="the provider closed")
    assert "Account unlinked." in page.text
    assert events(work, "account.identity.unlinked")[0]["why"] == "the provider closed"
    assert "was unlinked from" in inbox.latest("ada@example.test").subject
    assert console.browser.open(last).path == f"/admin/users/{user_id}"


def test_the_reason_is_one_short_line(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
        make_client(w)
    page = console.act(f"/users/{user_id}/suspend", why="x" * 201)
    assert page.status == 400
    assert "Enter at most 200 characters" in page.text
    assert find_user(work).status == "ACTIVE"
