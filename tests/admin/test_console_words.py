"""The words of the console: every code that it shows has a readable name."""

from provider.admin.client_labels import LABELS
from provider.audit.events import Event
from provider.oauth.clients.metadata import FIELDS
from provider.operators.audit.event_names import EVENT_NAMES
from provider.operators.lists.jobs import STATES
from provider.outbox.store import DeliveryState
from tests.admin.conftest import Console
from tests.support.factories import make_user
from tests.support.installation import Work


def test_every_audit_event_metadata_member_and_job_status_has_a_name_of_its_own() -> None:
    for names, codes in ((EVENT_NAMES, Event), (LABELS, FIELDS), (STATES, DeliveryState)):
        assert set(names) == set(codes)
        assert len(set(names.values())) == len(names)


def test_an_audit_event_is_shown_by_name_with_the_users_email(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
    page = console.open("/audit?name=account.created&user=ada@example.test")
    assert "created an account for ada@example.test account.created" in page.text
    assert page.links["ada@example.test"] == f"/admin/users/{user_id}"
    console.act(f"/users/{user_id}/delete")
    assert user_id in console.open(f"/audit?user={user_id}").links
