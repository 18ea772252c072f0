"""Operators change all users that match a filter: one run, in steps, with progress."""

import pytest

from provider.accounts.store import users
from provider.database.base import new_id
from provider.operator_names import OperatorName
from provider.operators import authority
from provider.operators.bulk import actions as bulk
from provider.operators.bulk import matching as bulk_matching
from provider.operators.bulk import runs as bulk_runs
from provider.work import Installation
from tests.admin.conftest import Console, action_form, events
from tests.support.browser import Page
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.installation import Work


def begin(console: Console, query: str, **typed: str) -> Page:
    asked = console.open(f"/users/matching?{query}")
    assert asked.status == 200, asked
    started = console.browser.submit({"why": "spam wave", **typed}, action=action_form(asked).action)
    assert started.status == 200, started
    return started


def statuses(work: Work, ids: list[str]) -> list[str | None]:
    with work() as w:
        found = [users.find(w.read, user_id) for user_id in ids]
    return [None if user is None else user.status for user in found]


def run_of(work: Work, page: Page) -> bulk_runs.Run:
    with work() as w:
        run = bulk_runs.find(w.read, page.path.rpartition("/")[2])
    assert run is not None
    return run


def one_job_at_a_time(monkeypatch: pytest.MonkeyPatch, *, users_of_a_step: int) -> None:
    """Each job does two steps: one, and the one after which it leaves the rest to the next job."""
    monkeypatch.setattr(bulk_matching, "SECONDS", -1.0)
    monkeypatch.setattr(bulk_matching, "AT_ONCE", users_of_a_step)


@pytest.mark.both_databases
def test_all_users_that_match_are_changed_in_steps_and_no_others(
    console: Console, work: Work, installation: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_job_at_a_time(monkeypatch, users_of_a_step=3)
    with work() as w:
        spammers = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(7)]
        others = [make_user(w, "x@spam.example"), make_user(w, "y@example.com", roles=("staff",))]
    chosen = console.open("/users/selected?action=suspend&all=yes&q=@spam.example&role=staff")
    assert chosen.path == "/admin/users/matching"
    assert "This changes 7 users." in chosen.text
    assert statuses(work, spammers) == ["ACTIVE"] * 7  # a question changes nothing
    started = begin(console, "action=suspend&q=@spam.example&role=staff")
    assert "0 of 7 users" in started.text
    clock.advance(seconds=1)
    with work() as w:
        late = make_user(w, "late@spam.example", roles=("staff",))
    assert deliver_due(installation) >= 1
    assert 0 < run_of(work, started).done < 7
    assert "A change to many users is running" in console.open("/users").text
    while deliver_due(installation):
        pass
    assert statuses(work, spammers) == ["SUSPENDED"] * 7
    assert statuses(work, [*others, late, console.user_id]) == ["ACTIVE"] * 4
    run = run_of(work, started)
    assert (run.state, run.failed, run.left) == ("done", 0, 0)
    assert "finished" in console.browser.open(started.url).text
    [event] = events(work, "bulk.started")
    assert (event["action"], event["count"], event["why"]) == ("suspend", 7, "spam wave")


def test_a_run_that_is_interrupted_continues_and_counts_nobody_twice(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_matching, "AT_ONCE", 2)
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(6)]
    started = begin(console, "action=suspend&role=staff")
    done: list[str] = []

    def die_in_the_second_step(w: object, job: bulk.Job) -> None:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(job.user_id)
        original(w, job)  # type: ignore[arg-type]

    original = bulk.ACTIONS["suspend"]
    monkeypatch.setattr(bulk, "ACTIONS", {**bulk.ACTIONS, "suspend": die_in_the_second_step})
    run = run_of(work, started)
    with pytest.raises(KeyboardInterrupt):
        bulk_matching.carry_out(installation, run.job_id, {"run": run.id})
    assert (run_of(work, started).done, statuses(work, ids).count("SUSPENDED")) == (2, 2)
    monkeypatch.setattr(bulk, "ACTIONS", {**bulk.ACTIONS, "suspend": original})
    bulk_matching.carry_out(installation, run.job_id, {"run": run.id})
    assert statuses(work, ids) == ["SUSPENDED"] * 6
    assert (run_of(work, started).done, run_of(work, started).state) == (6, "done")
    bulk_matching.carry_out(installation, run.job_id, {"run": run.id})  # a job may be delivered twice
    assert run_of(work, started).done == 6


def test_two_runs_on_the_same_users_both_finish(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_job_at_a_time(monkeypatch, users_of_a_step=1)
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(3)]
        other = make_user(w, "other-operator@example.com", roles=("admin",))
    first = begin(console, "action=suspend&role=staff")
    with work() as w:
        w.origin = w.origin.of_operator(OperatorName.user(other))
        bulk_matching.start(
            w,
            run_id=new_id(),
            action="delete",
            value="",
            text="",
            filters={"role": "staff"},
            operator_id=other,
            total=3,
        )
        [second] = [run for run in bulk_runs.find_running(w.db, limit=5) if run.action == "delete"]
    while deliver_due(installation):
        pass
    with work() as w:
        ended = bulk_runs.find(w.read, second.id)
    assert ended is not None
    assert ended.state == "done"
    assert run_of(work, first).state == "done"
    assert statuses(work, ids) == [None] * 3


def test_a_run_is_stopped_and_needs_the_permission_to_the_end(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_job_at_a_time(monkeypatch, users_of_a_step=1)
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(3)]
    started = begin(console, "action=suspend&role=staff")
    stopped = console.browser.submit(action=action_form(console.browser.open(started.url)).action)
    assert "stopped" in stopped.text
    while deliver_due(installation):
        pass
    assert statuses(work, ids) == ["ACTIVE"] * 3
    [event] = events(work, "bulk.stopped")
    assert event["done"] == 0
    again = begin(console, "action=suspend&role=staff")
    with work() as w:
        users.set_roles(w.db, console.user_id, [], now=w.now)
    while deliver_due(installation):
        pass
    assert (run_of(work, again).state, statuses(work, ids)) == ("failed", ["ACTIVE"] * 3)


def test_a_run_leaves_users_alone_who_have_more_permissions_than_its_operator(
    console: Console, work: Work, installation: Installation
) -> None:
    """N-577: than the operator has at each step."""
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(2)]
        users.set_roles(w.db, ids[0], ["admin", "staff"], now=w.now)
    started = begin(console, "action=suspend&role=staff")
    with work() as w:
        make_user(w, "boss@example.test", roles=("admin",))
        users.set_roles(w.db, console.user_id, ["user-manager"], now=w.now)
    while deliver_due(installation):
        pass
    assert statuses(work, ids) == ["ACTIVE", "SUSPENDED"]
    assert (run_of(work, started).done, run_of(work, started).failed) == (1, 1)


def test_users_that_an_action_fails_for_are_listed_with_the_reason(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(3)]
    started = begin(console, "action=suspend&role=staff")

    def refuse_one(w: object, job: bulk.Job) -> None:
        if job.user_id == ids[1]:
            raise authority.MorePermissions(authority.MorePermissions.message)
        original(w, job)  # type: ignore[arg-type]

    original = bulk.ACTIONS["suspend"]
    monkeypatch.setattr(bulk, "ACTIONS", {**bulk.ACTIONS, "suspend": refuse_one})
    while deliver_due(installation):
        pass
    shown = console.browser.open(started.url)
    assert "s1@spam.example" in shown.text
    assert (run_of(work, started).done, run_of(work, started).failed) == (2, 1)


def test_nothing_is_started_by_what_is_not_understood(console: Console) -> None:
    for query in ("action=none", "action=suspend&state=none", "action=suspend&created_from=x"):
        assert console.browser.open(f"/admin/users/matching?{query}").status == 404
    assert console.browser.open(f"/admin/users/changes/{new_id()}").status == 404
    assert console.browser.open("/admin/users/changes/x").status == 404
    assert "No other users match these filters." in console.open("/users/matching?action=suspend&role=none").text
