"""Lists that are longer than what is shown of them, and retrying all that failed."""

import pytest

from provider.operators import outbox as rules
from provider.outbox import messages, store
from provider.sessions.lifecycle import open_session
from provider.work import UnitOfWork
from tests.cli.conftest import Signet
from tests.support.attributes import declare, give
from tests.support.factories import make_client, make_user
from tests.support.installation import Work

CUT = "signet: warning: There are more than 2. Raise --limit (at most 10000) or narrow the list to see the others.\n"


def test_a_list_that_is_cut_says_so(signet: Signet, work: Work) -> None:
    declare(work, "city", searchable=True)
    with work() as w:
        ids = [make_user(w, f"u{number}@example.test") for number in range(3)]
        for user_id in ids:
            make_client(w, client_name="Quill")
            open_session(w, user_id=user_id, security_stamp=w.now, factor="pwd")
            messages.enqueue(w, "mail", {}, about="x")
    for user_id in ids:
        give(work, user_id, city="Paris")
    for command in (
        ("user", "list", "--search", "@example.test"),
        ("client", "list", "--search", "quill"),
        ("user", "find", "city:paris"),
        ("session", "list"),
        ("outbox", "list"),
    ):
        cut = signet(*command, "--limit", "2", "--json")
        assert (len(cut.json), cut.err) == (2, CUT), command
        whole = signet(*command, "--limit", "3", "--json")
        assert (len(whole.json), whole.err) == (3, ""), command


def test_jobs_that_another_operator_retries_meanwhile_do_not_stop_the_others(
    signet: Signet, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.cli.outbox.AT_ONCE", 2)
    with work() as w:
        ids = [messages.enqueue(w, "mail", {"x": 1}, about="x") for _ in range(5)]
        w.db.execute(store.outbox.update().values(state="failed", error="550"))
    retry = rules.retry

    def after_another_operator(w: UnitOfWork, job_id: str) -> None:
        if job_id == ids[3]:
            retry(w, job_id)
        retry(w, job_id)

    monkeypatch.setattr(rules, "retry", after_another_operator)
    assert sorted(signet("outbox", "retry", "--all", "--json").json["due"]) == sorted({*ids} - {ids[3]})
    assert signet("outbox", "list", "--state", "failed", "--json").json == []
