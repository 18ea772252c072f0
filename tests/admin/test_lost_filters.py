"""A filter that can't be read any more never widens what an operator asked for."""

import pytest

from provider.accounts.attributes import declared
from provider.operators.bulk import matching as bulk_matching
from provider.operators.bulk import runs as bulk_runs
from provider.operators.lists.export import as_csv
from provider.operators.lists.listing import InvalidFilter
from provider.operators.lists.users import USERS
from provider.work import Installation
from tests.admin.conftest import Console, action_form
from tests.admin.test_matching_users import begin, one_job_at_a_time, run_of, statuses
from tests.support.attributes import declare, give
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.installation import Work


@pytest.mark.parametrize("how", ["deleted", "not searchable", "not seen by operators"])
def test_a_run_whose_filter_can_no_longer_be_read_fails_and_changes_no_one(
    console: Console, work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """N-635: at the next step."""
    one_job_at_a_time(monkeypatch, users_of_a_step=1)
    declare(work, "plan", searchable=True)
    with work() as w:
        on_trial = [make_user(w, f"t{number}@example.test") for number in range(4)]
        others = [make_user(w, f"p{number}@example.test") for number in range(2)]
    for user_id in on_trial:
        give(work, user_id, plan="trial")
    started = begin(console, "action=suspend&attribute=plan:trial")
    deliver_due(installation)
    assert statuses(work, on_trial).count("SUSPENDED") == 1  # by the first job
    if how == "deleted":
        with work() as w:
            declared.delete_attribute(w, "plan")
    elif how == "not searchable":
        declare(work, "plan")
    else:
        declare(work, "plan", searchable=True, seen_by=["user"], edited_by=["user"])
    while deliver_due(installation):
        pass
    assert statuses(work, others) == ["ACTIVE"] * 2
    assert statuses(work, on_trial).count("SUSPENDED") == 1
    run = run_of(work, started)
    assert (run.state, run.done, run.failed) == ("failed", 1, 0)
    shown = console.browser.open(started.url)
    assert "Enter the name of a searchable attribute" in shown.text
    assert "no longer has permission" not in shown.text


def test_a_run_with_a_filter_of_another_release_fails(console: Console, work: Work, installation: Installation) -> None:
    with work() as w:
        other = make_user(w, "other@example.test")
        run_id = "0" * 8 + "-0000-4000-8000-" + "0" * 12
        bulk_matching.start(
            w, run_id=run_id, action="delete", value="", text="", filters={"newer": "x"},
            operator_id=console.user_id, total=1,
        )  # fmt: skip
    while deliver_due(installation):
        pass
    with work() as w:
        run = bulk_runs.find(w.read, run_id)
    assert run is not None
    assert run.state == "failed"
    assert statuses(work, [other]) == ["ACTIVE"]


def test_an_export_stops_when_its_filter_can_no_longer_be_read(
    work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.operators.lists.export.AT_ONCE", 1)
    declare(work, "plan", searchable=True)
    with work() as w:
        ids = [make_user(w, f"t{number}@example.test") for number in range(3)]
    for user_id in ids[:2]:
        give(work, user_id, plan="trial")
    rows = as_csv(installation, USERS, text="", values={"attribute": "plan:trial"}, order=USERS.by_key)
    assert len([next(rows), next(rows)]) == 2  # the names of the columns, and one user
    with work() as w:
        declared.delete_attribute(w, "plan")
    with pytest.raises(InvalidFilter):
        next(rows)


def test_a_run_for_a_domain_never_reaches_addresses_that_only_contain_it(
    console: Console, work: Work, installation: Installation
) -> None:
    """N-636: when another run has deleted the users of the domain first, before the form was sent or after."""
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example") for number in range(3)]
        inside = make_user(w, "bob@spam.example.org")
    asked = console.open("/users/matching?action=suspend&q=@spam.example")
    assert "This changes 3 users." in asked.text
    first = begin(console, "action=delete&q=@spam.example")
    second = begin(console, "action=suspend&q=@spam.example")  # started while the domain has users
    while deliver_due(installation):
        pass
    assert run_of(work, first).state == run_of(work, second).state == "done"
    assert statuses(work, ids) == [None] * 3
    console.browser.page = asked
    late = console.browser.submit({"why": "spam wave"}, action=action_form(asked).action)
    assert "No other users match these filters." in late.text
    while deliver_due(installation):
        pass
    assert statuses(work, [inside]) == ["ACTIVE"]


def test_a_part_of_a_domain_finds_whom_the_list_shows(console: Console, work: Work, installation: Installation) -> None:
    with work() as w:
        inside = make_user(w, "bob@spam.example.org")
    assert "This changes 1 user." in console.open("/users/matching?action=suspend&q=@spam.example").text
    begin(console, "action=suspend&q=@spam.example")
    while deliver_due(installation):
        pass
    assert statuses(work, [inside]) == ["SUSPENDED"]


@pytest.mark.parametrize("blank", ["%20%20", "%E2%80%8B", "%20%C2%AD"])
def test_a_search_for_blanks_is_no_filter(console: Console, ada: str, blank: str) -> None:
    shown = console.open(f"/users/matching?action=suspend&q={blank}")
    assert "No filter is set. This changes all users except you." in shown.text


@pytest.mark.also_on_postgresql
def test_a_form_that_names_a_domain_without_one_starts_what_its_page_says(
    console: Console, work: Work, installation: Installation
) -> None:
    """The hidden field of another page is ignored: there is no domain that the run could be for."""
    with work() as w:
        ids = [make_user(w, f"s{number}@spam.example", roles=("staff",)) for number in range(2)]
    asked = console.open("/users/matching?action=suspend&role=staff&q=@spam.example")
    page = console.open("/users/matching?action=suspend&role=staff")
    token = next(each.value for form in asked.forms for each in form.fields if each.name == "csrf_token")
    console.browser.client.post(page.url, data={"csrf_token": token, "why": "spam", "domain": "yes"})
    while deliver_due(installation):
        pass
    assert statuses(work, ids) == ["SUSPENDED"] * 2
