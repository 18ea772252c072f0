"""Operators change many users at once: they select them in the list, read what happens, and one job does each."""

from provider.accounts.store import users
from provider.accounts.users import delete_user
from provider.admin import bulk
from provider.audit import store as audit
from provider.work import Installation
from tests.admin.conftest import Console, action_form
from tests.support.browser import Page
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
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
    assert found == spammers
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
    assert (event.details["operator"], event.details["why"]) == (console.user_id, "spam wave")


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


def test_an_action_needs_users_and_a_name_that_there_is(console: Console) -> None:
    assert "No users are selected." in select(console, "suspend").text
    assert "No users are selected." in select(console, "delete", "nonsense", console.user_id).text
    assert select(console, "promote", console.user_id).status == 404
