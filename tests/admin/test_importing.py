"""Operators import users from a file: checked first, then imported by jobs in steps, with a report of what failed."""

import pytest

from provider.accounts.users import find_user
from provider.admin.imports import store
from provider.work import Installation
from tests.admin.conftest import Console, events
from tests.support.browser import Page
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work

CSV = "email,name,roles\nada@example.test,Ada,staff\nnot-an-address,x,\nADA@example.test,Twice,\ngrace@example.test,,\n"


def upload(console: Console, content: str | bytes, **typed: str) -> Page:
    """Send the form as a browser does: a file, and the fields."""
    shown = console.open("/users/import")
    token = next(each.value for form in shown.forms for each in form.fields if each.name == "csrf_token")
    response = console.browser.client.post(
        "/admin/users/import",
        data={"csrf_token": token, **typed},
        files={"file": ("users.csv", content, "text/csv")},
        follow_redirects=False,
    )
    if response.status_code != 303:
        return Page(response)
    return console.browser.open(response.headers["location"])


def press(console: Console, page: Page, action: str, why: str = "") -> Page:
    token = next(each.value for form in page.forms for each in form.fields if each.name == "csrf_token")
    response = console.browser.client.post(
        page.path, data={"csrf_token": token, "action": action, "why": why}, follow_redirects=False
    )
    assert response.status_code == 303, response.text
    return console.browser.open(response.headers["location"])


def import_of(work: Work, page: Page) -> store.Import:
    with work() as w:
        found = store.find(w.read, page.path.rpartition("/")[2])
    assert found is not None
    return found


def finish(installation: Installation) -> None:
    while deliver_due(installation):
        pass


def counts(one: store.Import) -> tuple[int, int, int, int]:
    return one.created, one.updated, one.skipped, one.failed


@pytest.mark.both_databases
def test_a_file_is_checked_then_imported(
    console: Console, work: Work, installation: Installation, inbox: Inbox
) -> None:
    with work() as w:
        make_user(w, "grace@example.test")
    checked = upload(console, CSV, invite="on")
    assert counts(import_of(work, checked)) == (1, 0, 1, 2)
    for words in (
        "Nothing has changed yet",
        "Enter an email address",
        "The email address is in the file twice",
        "Import 1 user",
    ):
        assert words in checked.text, words
    with work() as w:
        assert find_user(w, "ada@example.test") is None
    started = press(console, checked, "start", why="from the old system")
    assert "running" in started.text
    finish(installation)
    done = console.browser.open(started.url)
    one = import_of(work, done)
    assert (one.state, counts(one)) == ("done", (1, 0, 1, 2))
    with work() as w:
        ada = find_user(w, "ada@example.test")
        assert ada is not None
        assert (ada.roles, ada.claims) == (["staff"], {"name": "Ada"})
    assert inbox.latest("ada@example.test").subject == "You've been invited to Signet"
    [event] = events(work, "import.started")
    assert (event["count"], event["invite"], event["why"]) == (4, True, "from the old system")
    assert [event["done"] for event in events(work, "import.finished")] == [2]
    created = events(work, "account.created")
    assert [event["operator"] for event in created if "operator" in event] == [f"user {console.user_id}"]
    assert "Import users" in console.open("/users/runs").text
