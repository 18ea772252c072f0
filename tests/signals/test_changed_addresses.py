"""Which changes of an email address receivers hear of (RISC 1.0 section 2.5)."""

import re

import pytest
from sqlalchemy import update

from provider.accounts.email import email_change, operator_changes
from provider.accounts.email.email_addresses import Address, parse_address
from provider.accounts.store import email_addresses
from tests.signals.conftest import POLL, RISC, Meet, Receiver
from tests.support.inbox import Inbox
from tests.support.installation import Work


def _address(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


def changes_of_address(receiver: Receiver) -> list[tuple[str, str]]:
    of_kind = RISC + "identifier-changed"
    told = [each for each in receiver.take() if of_kind in each["events"]]
    return [(each["sub_id"]["email"], each["events"][of_kind]["new-value"]) for each in told]


@pytest.mark.both_databases
def test_every_change_of_a_verified_address_is_sent(
    receiver: Receiver, meet: Meet, ada: str, work: Work, inbox: Inbox
) -> None:
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        operator_changes.set_address(w, user_id=ada, email="two@example.test")
    assert changes_of_address(receiver) == [("ada@example.test", "two@example.test")]
    with work() as w:
        current = email_addresses.find_of_user(w.db, ada)
        assert current is not None
        code = email_change.begin(w, current, address=_address("three@example.test")).code
    with work() as w:
        email_change.confirm_by_code(w, user_id=ada, code=code)
    assert changes_of_address(receiver) == [("two@example.test", "three@example.test")]
    token = re.findall(r"/undo-email-change\S*?([\w-]{40,})", inbox.latest("two@example.test").text)[-1]
    with work() as w:
        email_change.undo(w, token=token)
    assert changes_of_address(receiver) == [("three@example.test", "two@example.test")]
    with work() as w:
        operator_changes.set_address(w, user_id=ada, email="Two@example.test")
        operator_changes.set_address(w, user_id=ada, email="Two@example.test")
    assert changes_of_address(receiver) == [("two@example.test", "Two@example.test")]


def test_a_claim_of_another_persons_address_tells_receivers_nothing(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    """N-633. RISC 1.0 section 2.5: the subject is the address, and its owner may have an account at the app."""
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        claimed = {"address": "victim@x.test", "normal": "victim@x.test", "verified_at": None}
        w.db.execute(update(email_addresses.email_addresses).values(**claimed))
    with work() as w:
        current = email_addresses.find_of_user(w.db, ada)
        assert current is not None
        code = email_change.begin(w, current, address=_address("ada@example.test")).code
    with work() as w:
        email_change.confirm_by_code(w, user_id=ada, code=code)
    assert changes_of_address(receiver) == []
