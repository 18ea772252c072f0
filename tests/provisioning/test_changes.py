"""What is noted for provisioning in the transaction of a change, and what that costs."""

import pytest

from provider.accounts import profile, registration, users
from provider.audit import log
from provider.audit.events import Event
from provider.oauth.clients import clients
from provider.outbox import store as outbox
from provider.outbox.topics import Topic
from provider.provisioning import changes, connections
from provider.provisioning.store import connections as store
from provider.provisioning.store import resources
from provider.provisioning.store.resources import Counts
from provider.runtime.throw_away import FIRST_USER
from provider.work import Installation
from tests.provisioning.conftest import Provision
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.scim_app import ScimApp
from tests.support.statements import recorded

ADA = "ada@example.test"


def test_a_change_that_is_undone_leaves_nothing_to_send(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    app = provision()
    with work() as w:
        ada = make_user(w, ADA)
    app.run()
    with pytest.raises(ZeroDivisionError), work() as w:
        profile.change_profile(w, user_id=ada, claims={"given_name": "Ada"})
        _ = 1 / 0
    assert app.counts.pending == 0


@pytest.mark.both_databases
def test_users_of_the_probes_get_no_account_in_an_app(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    """Neither one by one nor by a comparison of all."""
    app = provision()
    app.run()
    with work() as w:
        registration.create_user(w, email="p@example.test", password=None, verified=True, user_id=FIRST_USER)
    app.run()
    assert (app.counts, scim_app.users) == (Counts(), {})
    with work() as w:
        store.start_scan(w.db, app.client_id, store.Scan.COMPARE, now=w.now)
    app.run(minutes=1)
    assert (app.connection.scan, app.counts, scim_app.users) == (store.Scan.NONE, Counts(), {})
    with work() as w:
        users.delete_user(w, user_id=FIRST_USER)
    app.run()
    assert app.of(FIRST_USER) is None


def test_changes_of_many_users_are_noted_in_few_statements(
    provision: Provision, work: Work, installation: Installation
) -> None:
    app = provision()
    app.run()
    with work() as w:
        ids = [make_user(w, f"user{number}@example.test") for number in range(3)]
    app.run()
    with recorded(installation.database.engine) as statements, work() as w:
        log.record_all(w, Event.PROFILE_CHANGED, {user_id: {"changed": ["name"]} for user_id in ids})
    assert len([one for one in statements if "provisioned_resources" in one]) == 1
    assert app.counts.pending == 3


def test_sign_ins_and_tokens_cost_no_statement() -> None:
    """N-385. Their events are none of those that are looked at."""
    watched = changes.OF_USERS | changes.OF_ALL | changes.OF_CLIENT
    assert not [event for event in watched if event.startswith(("session.", "token.", "consent."))]


def test_only_one_job_is_queued_while_an_app_is_away(provision: Provision, work: Work, scim_app: ScimApp) -> None:
    app = provision()
    scim_app.always = lambda connection, _request: connection.close()
    with work() as w:
        make_user(w, ADA)
    app.run()
    with work() as w:
        before = len(outbox.find(w.read, topic=Topic.PROVISIONING, limit=1000))
    for number in range(5):
        with work() as w:
            make_user(w, f"user{number}@example.test")
    with work() as w:
        assert len(outbox.find(w.read, topic=Topic.PROVISIONING, limit=1000)) == before
        assert resources.count(w.read, app.client_id).pending == 6


def test_a_deleted_client_takes_its_provisioning_along(provision: Provision, work: Work) -> None:
    app = provision()
    with work() as w:
        make_user(w, ADA)
    app.run()
    with work() as w:
        clients.delete_client(w, app.client_id)
    with work() as w, pytest.raises(connections.NoProvisioning):
        connections.find(w, app.client_id)
    assert (app.counts.users, app.counts.pending) == (0, 0)
    app.run(minutes=1)
