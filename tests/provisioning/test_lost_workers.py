"""Workers that die, and workers at the same time: nothing is lost, and nothing is created twice."""

import pytest

from provider.oauth.clients.clients import Client
from provider.provisioning.store import resources
from provider.scim.outbound import jobs, scan
from provider.work import UnitOfWork
from tests.provisioning.conftest import Provision
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.scim_app import ScimApp

ADA, GRACE = "ada@example.test", "grace@example.test"


class Killed(BaseException):
    """What no handler catches."""


@pytest.mark.also_on_postgresql
def test_a_worker_that_dies_loses_nothing_and_creates_nothing_twice(
    provision: Provision, work: Work, scim_app: ScimApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-380. It dies after the app created the user, and before that is saved."""

    def die(*_: object) -> None:
        raise Killed

    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
        make_user(w, GRACE)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_save", die)
        for _ in range(2):  # each claims a user, and dies
            with pytest.raises(Killed):
                app.run()
    assert set(scim_app.users) == {ADA, GRACE}
    app.run()
    assert app.counts.pending == 2  # claimed still
    app.run(minutes=2)
    assert set(scim_app.users) == {ADA, GRACE}
    assert (app.counts.users, app.counts.pending) == (2, 0)
    row = app.of(ada)
    assert row is not None
    assert row.remote_id == scim_app.users[ADA]["id"]


@pytest.mark.also_on_postgresql
def test_a_worker_that_dies_in_a_scan_continues_where_it_was(
    provision: Provision, work: Work, scim_app: ScimApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "AT_ONCE", 2)
    app = provision()
    with work() as w:
        ids = [make_user(w, f"user{number}@example.test") for number in range(5)]
    steps = []
    real = scan.step

    def die_at_the_third(work: UnitOfWork, client: Client) -> None:
        steps.append(1)
        if len(steps) == 3:
            raise Killed
        real(work, client)

    with monkeypatch.context() as patch:
        patch.setattr(scan, "step", die_at_the_third)
        with pytest.raises(Killed):
            app.run()
    assert (app.connection.scan, app.connection.scanned) == ("compare", 0)
    app.run(minutes=2)
    assert (app.connection.scan, app.connection.scanned, len(scim_app.users)) == ("none", 5, len(ids))


@pytest.mark.also_on_postgresql
def test_a_user_is_sent_by_one_worker_at_a_time(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """N-381. A change while a user is sent waits for the end of that, so that changes arrive in order."""
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    with work() as w:
        resources.mark(w.db, app.client_id, resources.Kind.USER, [ada], now=w.now)
        first = resources.claim_next(w.db, app.client_id, now=w.now, until=w.now + jobs.LEASE)
    assert first is not None
    with work() as w:
        resources.mark(w.db, app.client_id, resources.Kind.USER, [ada], now=w.now)
        assert resources.claim_next(w.db, app.client_id, now=w.now, until=w.now + jobs.LEASE) is None
        assert resources.find_waiting(w.db, now=w.now) == []
        assert resources.finish(w.db, first, state="current", error=None)
        again = resources.claim_next(w.db, app.client_id, now=w.now, until=w.now + 2 * jobs.LEASE)
        assert again is not None  # what changed meanwhile is still pending
        assert not resources.finish(w.db, first, state="current", error=None)  # it lost its claim
