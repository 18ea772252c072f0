"""Operators import users from a file: checked first, then imported by jobs in steps, with a report of what failed."""

import csv
import io
import json
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from provider.accounts import profile
from provider.accounts.groups.groups import GroupSettings, create_group
from provider.accounts.groups.members import add_member
from provider.accounts.importing.files import Row
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.roles.permissions import EVERYTHING
from provider.accounts.store import email_addresses, users
from provider.accounts.users import find_user
from provider.admin.pages.users import imports, runs
from provider.crypto.passwords import hash_password
from provider.database.base import new_id
from provider.operators.authority import LastAdministrator
from provider.operators.imports import jobs, parts, store
from provider.operators.imports.rows import Options, Outcome, Result, import_part
from provider.web.bodies import MAX_BODY, Bodies
from provider.work import Installation, UnitOfWork
from provider.worker.jobs import purge
from tests.admin.conftest import Console, action_form, events
from tests.support.browser import Page
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS

CSV = "email,name,roles\nada@example.test,Ada,staff\nnot-an-address,x,\nADA@example.test,Twice,\ngrace@example.test,,\n"


@pytest.fixture(autouse=True)
def _checked_by_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a request checks the whole file."""
    monkeypatch.setattr(jobs, "SECONDS_OF_REQUEST", 3600.0)


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


@pytest.mark.also_on_postgresql
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
    assert "Enter an email address" not in started.text  # what fails now is not known yet
    finish(installation)
    done = console.browser.open(started.url)
    one = import_of(work, done)
    assert (one.state, counts(one)) == ("done", (1, 0, 1, 2))
    assert "Enter an email address" in done.text
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


def test_a_file_that_cannot_be_read_is_rejected_with_the_reason(console: Console, work: Work) -> None:
    """RFC 4180: nothing is stored of a file that is empty, has another header, another encoding, or too many rows."""
    for content, words in (
        (b"", "Choose a file that is not empty"),
        (b"email\n", "The file has no users"),
        (b"name\nAda\n", "The first line must name the columns"),
        (b"email,plan\na@b.example,gold\n", "There is no column"),
        (b"email\n\xff\xfe\xfa\n", "The file is not UTF-8 or UTF-16"),
        (b'email\n"a@b.example\n', "not valid CSV"),
        (b"email\n" + b"x" * 70_000, "A line is longer than"),
    ):
        refused = upload(console, content)
        assert (refused.status, words in refused.text) == (400, True), (content[:40], refused.text)
    both = upload(console, b"email\na@b.example\n", text="email\nb@b.example\n")
    assert "Choose a file or paste text, not both." in both.text
    assert "b@b.example" in both.text  # what was typed stays
    with work() as w:
        assert store.find_recent(w.read, after=None, limit=5) == []
    pasted = upload(console, b"", text="\ufeffemail;name\r\nb@b.example;B\r\n")
    assert counts(import_of(work, pasted)) == (1, 0, 0, 0)


def test_a_file_that_is_too_large_is_rejected(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MAX_FILE", 100)
    monkeypatch.setattr(parts, "MAX_ROWS", 3)
    assert "The file is larger than" in upload(console, b"email\n" + b"a" * 100).text
    assert "more than 3 rows" in upload(console, b"email\na\nb\nc\nd\n").text
    monkeypatch.setattr(imports.upload, "_bodies", Bodies(MAX_BODY + 1))
    refused = upload(console, b"email\n" + b"a" * (MAX_BODY + 1))
    assert (refused.status, "The file is larger than 16 MB." in refused.text) == (413, True)


def test_hostile_values_are_shown_as_text_and_exported_without_formulas(
    console: Console, work: Work, installation: Installation
) -> None:
    """CWE-79, CWE-1236: HTML, a formula, right-to-left text, 300 characters, NUL, half a surrogate pair."""
    hebrew = "\u05e9\u05dc\u05d5\u05dd \u202e"
    lines = [
        {"email": "=cmd|'/c calc'!A1"},
        {"email": "<script>alert(1)</script>"},
        {"email": hebrew},
        {"email": "x" * 300},
        {"email": "nul\x00@b.example"},
        {"email": "\ud800@b.example"},
        {"email": "ok@b.example", "name": "<b>\x00</b>"},
        {"email": "fine@b.example", "name": "<img src=x onerror=alert(1)> " + hebrew.strip("\u202e")},
        {"email": "deep@b.example", "name": [[["x"]]]},
        {"email": {"a": 1}},
        {"email": "hash@b.example", "password_hash": "$2b$12$secret"},
    ]
    checked = upload(console, "\n".join(json.dumps(line) for line in lines))
    one = import_of(work, checked)
    assert (one.created, one.failed) == (1, 10)
    assert "<script>alert" not in checked.response.text
    assert "<img src=x" not in checked.response.text
    assert "secret" not in checked.response.text
    press(console, checked, "start")
    finish(installation)
    assert import_of(work, checked).created == 1
    report = console.browser.client.get(f"{checked.path}/failed.csv")
    table = list(csv.reader(io.StringIO(report.text)))
    assert table[0] == ["line", "email", "reason"]
    assert [row[0] for row in table[1:]] == [str(line) for line in range(1, 12) if line != 8]
    assert table[1][1].startswith("'=cmd")
    assert "\x00" not in report.text
    assert "secret" not in report.text
    german = console.browser.client.get(f"{checked.path}/failed.csv", headers={"accept-language": "de"})
    assert "Feld" in german.text or "Geben Sie" in german.text
    assert [event["list"] for event in events(work, "list.exported")] == ["failed-rows"] * 2


def test_stored_rows_are_encrypted_and_deleted(
    console: Console, work: Work, installation: Installation, clock: Clock
) -> None:
    hashed = hash_password("a long password", cost=installation.settings.bcrypt_cost)
    content = f"email,password_hash\nada@example.test,{hashed}\nbad,\n"
    discarded, forgotten, imported = (upload(console, content.replace("ada", name)) for name in ("a", "b", "c"))

    def stored(page: Page) -> list[tuple[str | None, str | None]]:
        with work() as w:
            found = w.read.execute(
                select(store.user_import_parts.c.rows, store.user_import_parts.c.failures).where(
                    store.user_import_parts.c.import_id == import_of(work, page).id
                )
            )
            return [(rows, failures) for rows, failures in found]

    for page in (discarded, forgotten, imported):
        [(rows, failures)] = stored(page)
        assert rows is not None
        assert failures is not None
        assert not any(word in rows + failures for word in ("example", hashed, "bad"))
    press(console, discarded, "stop")
    press(console, imported, "start")
    finish(installation)
    clock.advance(days=1, seconds=1)
    purge(installation)
    for page, state in ((discarded, "stopped"), (forgotten, "expired"), (imported, "done")):
        assert import_of(work, page).state == state
        assert [rows for rows, _ in stored(page)] == [None], state
    with work() as w:
        ada = find_user(w, "c@example.test")
        assert ada is not None
        assert is_password_of(w, ada.id, "a long password")
    clock.advance(days=30)
    purge(installation)
    with work() as w:
        assert store.find_recent(w.read, after=None, limit=5) == []
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(store.user_import_parts)) == 0


def numbered(count: int, first: int = 0) -> str:
    return "email\n" + "".join(f"u{number}@example.test\n" for number in range(first, first + count))


def test_an_import_that_is_killed_continues_and_imports_nobody_twice(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = upload(console, numbered(50))
    press(console, checked, "start")
    one = import_of(work, checked)
    real, seen = import_part, []

    def die_in_the_second_part(w: UnitOfWork, rows: Sequence[Row], options: Options) -> list[Result]:
        results = real(w, rows, options)
        seen.append(results)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return results

    monkeypatch.setattr(jobs, "import_part", die_in_the_second_part)
    with pytest.raises(KeyboardInterrupt):
        jobs.carry_out(installation, one.job_id or "", {"import": one.id})
    assert counts(import_of(work, checked)) == (20, 0, 0, 0)
    with work() as w:
        assert find_user(w, "u19@example.test") is not None
        assert find_user(w, "u20@example.test") is None
    monkeypatch.setattr(jobs, "import_part", real)
    jobs.carry_out(installation, new_id(), {"import": one.id})  # an earlier job, whose place another took
    assert counts(import_of(work, checked)) == (20, 0, 0, 0)
    jobs.carry_out(installation, one.job_id or "", {"import": one.id})
    jobs.carry_out(installation, one.job_id or "", {"import": one.id})  # a job may be delivered twice
    ended = import_of(work, checked)
    assert (ended.state, counts(ended)) == ("done", (50, 0, 0, 0))


def test_a_large_file_is_checked_by_jobs_in_steps(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SECONDS_OF_REQUEST", -1.0)
    monkeypatch.setattr(jobs, "SECONDS", -1.0)
    begun = upload(console, numbered(50))
    assert (import_of(work, begun).state, "0 of 50 rows" in begun.text) == ("checking", True)
    deliver_due(installation)
    assert "20 of 50 rows" in console.browser.open(begun.url).text
    finish(installation)
    assert (import_of(work, begun).state, counts(import_of(work, begun))) == ("checked", (50, 0, 0, 0))
    started = press(console, begun, "start")
    deliver_due(installation)
    assert "An import of users is running: 20 of 50." in console.open("/users").text
    stopped = press(console, started, "stop")
    assert "stopped" in stopped.text
    finish(installation)
    assert counts(import_of(work, begun)) == (20, 0, 0, 0)
    assert [event["done"] for event in events(work, "import.stopped")] == [20]
    again = press(console, started, "start")  # has no effect
    assert import_of(work, again).state == "stopped"


@pytest.mark.also_on_postgresql
def test_two_imports_of_the_same_addresses_create_each_user_once(
    console: Console, work: Work, installation: Installation
) -> None:
    """Real connections: the rows are in opposite orders, half of them not verified, and both jobs run together."""
    rows = [f"u{number}@example.test,{'true' if number % 2 else 'false'}" for number in range(60)]
    one, other = (upload(console, "email,email_verified\n" + "\n".join(each)) for each in (rows, list(reversed(rows))))
    begun = [import_of(work, press(console, page, "start")) for page in (one, other)]
    barrier, problems = Barrier(2), []

    def run(each: store.Import) -> None:
        try:
            barrier.wait(30)
            jobs.carry_out(installation, each.job_id or "", {"import": each.id})
        except BaseException as problem:
            problems.append(problem)

    threads = [Thread(target=run, args=(each,)) for each in begun]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    ended = [import_of(work, page) for page in (one, other)]
    assert [each.state for each in ended] == ["done", "done"]
    assert sum(each.created for each in ended) == 60
    assert sum(each.skipped for each in ended) == 60
    with work() as w:
        for number in range(60):
            assert len(email_addresses.find_claims(w.read, f"u{number}@example.test")) == 1


def test_nobody_gives_more_permissions_than_they_have_and_keeps_the_permission_to_the_end(
    console: Console, work: Work, installation: Installation
) -> None:
    """N-578: neither by a role nor by a group, and only users with no more permissions are updated."""
    with work() as w:
        make_user(w, "boss@example.test", roles=("admin",))
        create_group(w, "admins", GroupSettings(roles=("admin",)))
        users.set_roles(w.db, console.user_id, ["user-manager"], now=w.now)
    content = (
        "email,roles,nickname,groups\nnew@example.test,admin,,\nboss@example.test,,Boss,\nok@example.test,staff,,\n"
        "group@example.test,,,admins\n"
    )
    checked = upload(console, content, update="on")
    assert counts(import_of(work, checked)) == (1, 0, 0, 3)
    started = press(console, checked, "start")
    with work() as w:
        users.set_roles(w.db, console.user_id, ["auditor"], now=w.now)
    finish(installation)
    assert import_of(work, started).state == "failed"
    with work() as w:
        assert find_user(w, "ok@example.test") is None
    shown = console.browser.open(started.url)
    assert "no longer has permission" in shown.text
    assert not any(button.labels == ["Stop"] for form in shown.forms for button in form.buttons)
    assert console.open("/users/import").status == 403


def test_existing_users_are_updated_if_chosen(console: Console, work: Work, installation: Installation) -> None:
    with work() as w:
        make_user(w, "grace@example.test")
    checked = upload(console, "email,family_name\ngrace@example.test,Hopper\n", update="on")
    assert counts(import_of(work, checked)) == (0, 1, 0, 0)
    assert "The profile and roles of 1 existing user are updated." in checked.text
    press(console, checked, "start")
    finish(installation)
    with work() as w:
        grace = find_user(w, "grace@example.test")
    assert grace is not None
    assert grace.claims["family_name"] == "Hopper"
    nothing = upload(console, "email\ngrace@example.test\n")
    assert "There is nothing to import" in nothing.text


def test_a_row_that_fails_changes_nothing(work: Work) -> None:
    """Its roles are written before its groups are refused."""
    with work() as w:
        create_group(w, "admins", GroupSettings(roles=("admin",)))
        create_group(w, "staff", GroupSettings())
        only = make_user(w)
        add_member(w, "admins", user_id=only)
    row = Row(2, {"email": ADDRESS, "roles": "on-call", "groups": "staff"})
    with work() as w:
        (result,) = import_part(w, [row], Options(permissions=EVERYTHING, update=True))
        assert (result.outcome, result.problem) == (Outcome.FAILED, LastAdministrator().message)
    with work() as w:
        found = users.find(w.read, only)
        assert found is not None
        assert (found.roles, found.effective_roles) == ([], ["admin"])
    assert events(work, "account.roles.changed") == []


def test_recent_runs_are_listed_in_pages(
    console: Console, work: Work, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assert "No imports or bulk changes yet" in console.open("/users/runs").text
    with work() as w:
        make_user(w, "s@spam.example", roles=("staff",))
    upload(console, numbered(1))
    clock.advance(seconds=1)
    asked = console.open("/users/matching?action=suspend&role=staff")
    console.browser.submit({"why": ""}, action=action_form(asked).action)
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    first = console.open("/users/runs")
    assert "Suspend accounts" in first.text
    assert "not started" not in first.text
    second = console.browser.open(first.links["Next page"])
    assert "not started" in second.text
    assert "Next page" not in second.links


@pytest.mark.nightly
@pytest.mark.slow
def test_5000_rows_are_imported_in_bounded_memory(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job holds one part of the file at a time, so its memory does not grow with the file."""
    monkeypatch.setattr(jobs, "SECONDS_OF_REQUEST", -1.0)
    checked = upload(console, numbered(5000))
    finish(installation)
    one = import_of(work, press(console, console.browser.open(checked.url), "start"))
    tracemalloc.start()
    try:
        jobs.carry_out(installation, one.job_id or "", {"import": one.id})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
    finish(installation)
    assert counts(import_of(work, checked)) == (5000, 0, 0, 0)


@pytest.mark.also_on_postgresql
def test_an_update_keeps_what_the_user_changes_meanwhile(work: Work) -> None:
    with work() as w:
        grace = make_user(w, "grace@example.test", nickname="Amazing Grace")
    row = Row(2, {"email": "grace@example.test", "family_name": "Hopper"})

    def update() -> list[Result]:
        with work() as w:
            return import_part(w, [row], Options(permissions=EVERYTHING, update=True))

    with ThreadPoolExecutor(1) as other:
        with work() as w:
            profile.change_profile(w, user_id=grace, claims={"nickname": "Admiral", "website": "https://h.example/"})
            imported = other.submit(update)
            time.sleep(0.3)  # so that it looks at the user, if it looks before it waits
        assert [one.outcome for one in imported.result(60)] == [Outcome.UPDATED]
    with work() as w:
        assert (found := users.find(w.read, grace)) is not None
    assert {name: found.claims.get(name) for name in ("nickname", "website", "family_name")} == {
        "nickname": "Admiral",
        "website": "https://h.example/",
        "family_name": "Hopper",
    }
