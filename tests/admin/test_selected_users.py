"""Operators change many users at once: they select them in the list, read what happens, and one job does each."""

import pytest

from provider.accounts import invitation
from provider.accounts.store import users
from provider.accounts.users import delete_user, set_roles
from provider.admin.pages.users.selected import short_id
from provider.audit import store as audit
from provider.operators.bulk import actions as bulk
from provider.outbox import store as outbox
from provider.outbox.relay import PermanentFailure
from provider.work import Installation
from tests.admin.conftest import Console, action_form
from tests.support.browser import Page
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work


def select(console: Console, action: str, *user_ids: str) -> Page:
    return console.open("/users/selected?action=" + action + "".join(f"&user-{user_id}=on" for user_id in user_ids))


def confirm(console: Console, asked: Page, why: str = "") -> Page:
    return console.browser.submit({"why": why}, action=action_form(asked).action)


def status_of(work: Work, user_id: str) -> str | None:
    with work() as w:
        user = users.find(w.read, user_id)
    return None if user is None else user.status


def test_the_users_of_a_domain_are_found_and_suspended_together(
    console: Console, work: Work, installation: Installation
) -> None:
    with work() as w:
        spammers = [make_user(w, f"s{number}@Spam.example") for number in range(3)]
        others = [make_user(w, "x@notspam.example"), make_user(w, "spam.example@example.com")]
    page = console.open("/users?q=@SPAM.example")
    found = [field.name.removeprefix("user-") for form in page.forms for field in form.fields if "user-" in field.name]
    assert found == [short_id(user_id) for user_id in spammers]
    asked = select(console, "suspend", *spammers, console.user_id)
    assert "You selected 3 users." in asked.text
    assert "Your own account is left out." in asked.text
    assert {status_of(work, user_id) for user_id in spammers} == {"ACTIVE"}  # a question changes nothing
    started = confirm(console, asked, why="spam wave")
    assert started.path == "/admin/outbox"
    assert "The change has started. Each job below is one user." in started.text
    assert started.text.count("Suspend s") == 3
    assert deliver_due(installation) >= 3
    assert {status_of(work, user_id) for user_id in spammers} == {"SUSPENDED"}
    assert {status_of(work, user_id) for user_id in (*others, console.user_id)} == {"ACTIVE"}
    with work() as w:
        [event] = audit.find(w.read, user_id=spammers[0], names=["account.suspended"])
    assert (event.details["operator"], event.details["why"]) == (f"user {console.user_id}", "spam wave")


def test_a_job_is_done_once_however_often_it_is_tried(console: Console, work: Work, installation: Installation) -> None:
    """A process that dies after the change leaves the job to another one."""
    with work() as w:
        one, other = make_user(w, "one@example.com"), make_user(w, "other@example.com")
    for action, status in (
        ("suspend", "SUSPENDED"),
        ("restore", "ACTIVE"),
        ("end-sessions", "ACTIVE"),
        ("delete", None),
    ):
        job = {"action": action, "user_id": one, "operator": console.user_id, "why": ""}
        for _ in range(2):
            bulk.carry_out(installation, "job", job)
        assert status_of(work, one) == status, action
    with work() as w:
        delete_user(w, user_id=other)
    bulk.carry_out(installation, "job", {"action": "suspend", "user_id": other, "operator": console.user_id, "why": ""})


def roles_of(work: Work, *user_ids: str) -> list[list[str]]:
    with work() as w:
        return [user.roles for user in (users.find(w.read, user_id) for user_id in user_ids) if user is not None]


def test_a_role_is_added_to_and_removed_from_the_selected_users(
    console: Console, work: Work, installation: Installation
) -> None:
    with work() as w:
        one, other = make_user(w, "one@example.com", roles=("clerk",)), make_user(w, "other@example.com")
    asked = select(console, "add-role", one, other)
    assert (
        "A role can contain ASCII letters"
        in console.browser.submit({"value": "two words", "why": "kept"}, action=action_form(asked).action).text
    )
    started = console.browser.submit({"value": " staff ", "why": "hired"}, action=action_form(asked).action)
    assert started.text.count("Add role") == 2
    assert deliver_due(installation) >= 2
    assert roles_of(work, one, other) == [["clerk", "staff"], ["staff"]]
    job = {"action": "add-role", "value": "staff", "user_id": one, "operator": console.user_id, "why": ""}
    bulk.carry_out(installation, "job", job)  # again
    asked = select(console, "remove-role", one, other)
    console.browser.submit({"value": "clerk", "why": ""}, action=action_form(asked).action)
    assert deliver_due(installation) >= 2
    assert roles_of(work, one, other) == [["staff"], ["staff"]]
    with work() as w:
        changes = [event.details for event in audit.find(w.read, names=["account.roles.changed"], limit=9)]
    assert [change["after"]["roles"] for change in reversed(changes)] == [["clerk", "staff"], ["staff"], ["staff"]]
    assert {change["operator"] for change in changes} == {f"user {console.user_id}"}
    assert changes[-1]["why"] == "hired"


def test_a_role_that_gives_more_is_given_to_no_one_in_a_page_or_a_job(
    console: Console, work: Work, installation: Installation
) -> None:
    """Also if the operator had the permissions when the job began."""
    with work() as w:
        one = make_user(w, "one@example.com")
        set_roles(w, user_id=console.user_id, roles=["user-manager"])
    asked = select(console, "add-role", one)
    suggested = asked.html
    assert 'value="user-manager"' in suggested
    assert 'value="admin"' not in suggested
    told = console.browser.submit({"value": "admin", "why": ""}, action=action_form(asked).action).text
    assert "You can't give the role admin" in told
    job = {"action": "add-role", "value": "admin", "user_id": one, "operator": console.user_id, "why": ""}
    with pytest.raises(PermanentFailure, match="You can't give the role admin"):
        bulk.carry_out(installation, "job", job)
    assert roles_of(work, one) == [[]]


def test_invitations_are_sent_again_to_those_without_a_password(
    console: Console, work: Work, installation: Installation, inbox: Inbox
) -> None:
    with work() as w:
        waiting = invitation.invite(w, email="waiting@example.com")
        done = make_user(w, "done@example.com")
    deliver_due(installation)
    first = len(inbox.letters("waiting@example.com"))
    confirm(console, select(console, "invite-again", waiting, done))
    deliver_due(installation)
    deliver_due(installation)
    assert (len(inbox.letters("waiting@example.com")) - first, len(inbox.letters("done@example.com"))) == (1, 0)
    with work() as w:
        failed = [job.about for job in outbox.find(w.read, state="failed", limit=9)]
    assert failed == []


def test_an_action_needs_users_and_a_name_that_there_is(console: Console) -> None:
    assert "No users are selected." in select(console, "suspend").text
    assert "No users are selected." in select(console, "delete", "nonsense", console.user_id).text
    assert select(console, "promote", console.user_id).status == 404
