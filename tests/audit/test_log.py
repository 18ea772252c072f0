"""Events: in the transaction of what they tell of, the latest first, with stable names."""

import re

import pytest

from provider.accounts.users import delete_user
from provider.audit import store
from provider.audit.events import Event
from provider.audit.log import record
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work


@pytest.mark.parametrize("event", Event)
def test_names_are_dotted_words(event: Event) -> None:
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", event.value)


@pytest.mark.both_databases
def test_the_latest_come_first_and_can_be_narrowed(work: Work, clock: Clock) -> None:
    with work() as w:
        user_id = make_user(w)
    first = clock.now
    clock.advance(minutes=1)
    with work() as w:
        record(w, Event.SIGNED_IN, user_id=user_id, client_id="shop")
    with work() as w:
        assert [event.name for event in store.find(w.read)] == ["session.signed_in", "account.created"]
        assert [event.name for event in store.find(w.read, limit=1)] == ["session.signed_in"]
        assert len(store.find(w.read, client_id="shop")) == 1
        assert len(store.find(w.read, since=first + (clock.now - first))) == 1


@pytest.mark.both_databases
def test_events_outlive_the_account_they_tell_of(work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
    with work() as w:
        delete_user(w, user_id=user_id)
    with work() as w:
        assert {event.user_id for event in store.find(w.read, user_id=user_id)} == {user_id}
