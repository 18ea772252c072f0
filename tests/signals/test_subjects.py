"""Users that a receiver adds to its stream and removes from it, one by one (SSF 1.0 section 8.1.3)."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts import suspension
from provider.database.base import NOBODY
from provider.oauth.tokens.subjects import Subjects
from provider.signals import streams
from provider.signals.store import streams as store
from provider.signals.store import subjects
from tests.admin.conftest import events
from tests.signals.conftest import ISSUER, POLL, Meet, Receiver, kinds
from tests.support.factories import make_user
from tests.support.installation import Work


def _say(receiver: Receiver, verb: str, subject: Any, **more: Any) -> int:
    body = {"stream_id": receiver.stream["stream_id"], "subject": subject, **more}
    status: int = receiver("POST", f"/ssf/subjects/{verb}", body).status_code
    return status


def _iss_sub(sub: str, iss: str = ISSUER) -> dict[str, str]:
    return {"format": "iss_sub", "iss": iss, "sub": sub}


def _suspended(work: Work, user_id: str) -> None:
    with work() as w:
        suspension.suspend(w, user_id=user_id, reason=None)
    with work() as w:
        suspension.restore(w, user_id=user_id)


@pytest.mark.both_databases
def test_a_removed_user_is_left_out_until_added_again(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """Sections 8.1.3.2 and 8.1.3.3. Others stay. It is in the audit log once, and in no one's way twice."""
    with work() as w:
        bob = make_user(w, "bob@example.test")
    receiver.create(POLL)
    for person in (ada, bob):
        meet(receiver, person)
    assert _say(receiver, "remove", _iss_sub(ada)) == 204
    assert _say(receiver, "remove", {"format": "complex", "user": _iss_sub(ada)}) == 204
    for person in (ada, bob):
        _suspended(work, person)
    heard = receiver.take()
    assert "account-disabled" in kinds(heard)
    assert ada not in str(heard)
    assert _say(receiver, "add", {"format": "email", "email": "Ada@example.test"}, verified=True) == 200
    _suspended(work, ada)
    assert ada in str(receiver.take())
    assert [len(events(work, f"signal_stream.subject_{verb}")) for verb in ("removed", "added")] == [1, 1]


def test_a_stream_without_default_subjects_is_about_those_that_were_added(
    receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work
) -> None:
    """Section 7.1: `default_subjects` is NONE. Each client names users by its own pairwise `sub`."""
    receiver = receive(subject_type="pairwise")
    receiver.create(POLL)
    with work() as w:
        streams.update(w, receiver.client_id, receiver.stream, replaces=False, default_subjects="NONE")
    meet(receiver, ada)
    with work() as w:
        sub = Subjects().of_session(w, receiver.app.client, user_id=ada, session_id=NOBODY).sub
    _suspended(work, ada)
    assert receiver.take() == []
    assert _say(receiver, "add", _iss_sub(ada)) == 200  # the `sub` of others
    _suspended(work, ada)
    assert receiver.take() == []
    assert _say(receiver, "add", _iss_sub(sub)) == 200
    _suspended(work, ada)
    assert {claims["sub_id"]["sub"] for claims in receiver.take()} == {sub}


@pytest.mark.both_databases
def test_what_a_receiver_may_not_know_is_ignored_with_the_same_response(
    receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work
) -> None:
    """N-534. Unknown users, other issuers, and the address of a user who lets the client know none."""
    receiver = receive(scope="openid ssf.manage ssf.read")
    receiver.create(POLL)
    meet(receiver, ada, "openid")
    unknown = [
        {"format": "email", "email": "ada@example.test"},
        {"format": "email", "email": "no.one@example.test"},
        {"format": "email", "email": "no address"},
        _iss_sub("019b0000-0000-7000-8000-000000000000"),
        _iss_sub("no id"),
        _iss_sub(ada, "https://other.test"),
    ]
    for subject in unknown:
        assert (_say(receiver, "add", subject), _say(receiver, "remove", subject)) == (200, 204)
    with work() as w:
        assert not subjects.of_user(w.read, ada)
        assert [each.dropped for each in store.find_all(w.read)] == [0]


def test_what_is_no_subject_is_rejected(receiver: Receiver) -> None:
    """N-535. RFC 9493: 400."""
    receiver.create(POLL)
    wrong: list[Any] = [
        None,
        "ada@example.test",
        {"email": "ada@example.test"},
        {"format": "phone_number", "phone_number": "+12065550100"},
        {"format": "iss_sub", "iss": ISSUER},
        {"format": "email", "email": 1},
        {"format": "complex"},
        {"format": "complex", "user": {"format": "opaque", "id": "1"}},
        {"format": "complex", "user": {"format": "email", "email": "a@b.test"}, "session": {"format": "opaque"}},
    ]
    for subject in wrong:
        assert {_say(receiver, verb, subject) for verb in ("add", "remove")} == {400}, subject
    assert _say(receiver, "add", {"format": "email", "email": "ada@example.test"}, verified="yes") == 400


def test_subjects_need_the_own_stream_and_the_scope(receiver: Receiver, receive: Callable[..., Receiver]) -> None:
    """N-536. 404 for the stream of another client, 403 for a token that may only read."""
    receiver.create(POLL)
    other = receive()
    other.stream = receiver.stream
    assert _say(other, "remove", _iss_sub("x")) == 404
    receiver.token = receiver.app.client_credentials(scope="ssf.read").access_token
    assert _say(receiver, "remove", _iss_sub("x")) == 403
