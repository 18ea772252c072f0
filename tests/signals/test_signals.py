"""What receivers hear of: sessions, accounts, credentials, claims and addresses, of users that they know."""

from collections.abc import Callable

import pytest

from provider.accounts import compromise_report, deletion, profile, suspension, users
from provider.accounts.devices import sign_out_everywhere_by_operator
from provider.audit import log
from provider.audit.events import Event
from provider.oauth.clients import clients
from provider.outbox import store as outbox
from provider.sessions import lifecycle
from provider.sessions import store as sessions
from provider.signals import notices
from provider.signals import publish as signals
from provider.work import Installation
from tests.signals.conftest import CAEP, POLL, RISC, Meet, Receiver, kinds
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.statements import recorded


def test_a_session_that_ends_is_revoked_at_the_apps_that_were_in_it(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    """CAEP 1.0 section 3.1: the subject names the session, and the user as the app knows it."""
    receiver.create()
    meet(receiver, ada)
    meet(receiver, ada)
    with work() as w:
        first, second = sessions.find_all(w.read, ada)
        lifecycle.end_session(w, first, reason="signed_out")
    receiver.run()
    [claims] = receiver.pushed
    assert claims["sub_id"] == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": claims["iss"], "sub": ada},
        "session": {"format": "opaque", "id": first.id},
    }
    event = claims["events"][CAEP + "session-revoked"]
    assert event["reason_admin"] == {"en": "Session ended: signed out"}
    assert event["event_timestamp"] == claims["iat"]
    assert second.id not in str(claims)


def test_the_end_of_all_sessions_is_one_event_about_the_user(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    receiver.create()
    meet(receiver, ada)
    meet(receiver, ada)
    with work() as w:
        sign_out_everywhere_by_operator(w, user_id=ada)
    receiver.run()
    [claims] = receiver.pushed
    assert claims["sub_id"] == {"format": "iss_sub", "iss": claims["iss"], "sub": ada}
    assert claims["events"][CAEP + "session-revoked"]["initiating_entity"] == "admin"


def test_a_session_that_stays_is_not_revoked_with_the_others(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    receiver.create()
    meet(receiver, ada)
    meet(receiver, ada)
    with work() as w:
        here, other = sessions.find_all(w.read, ada)
        lifecycle.end_all_sessions(w, user_id=ada, reason="password_changed", but={here.id})
    receiver.run()
    [claims] = receiver.pushed
    assert claims["sub_id"]["session"]["id"] == other.id


def test_accounts_are_disabled_enabled_and_purged_in_order(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    """RISC 1.0 sections 2.2 to 2.4. The receiver hears of the deletion although nothing of the user is left."""
    receiver.create()
    meet(receiver, ada)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    with work() as w:
        suspension.restore(w, user_id=ada)
    with work() as w:
        deletion.request_deletion(w, user_id=ada)
    with work() as w:
        users.delete_user(w, user_id=ada)
    receiver.run()
    told = [kind for kind in kinds(receiver.pushed) if kind != "session-revoked"]
    assert told == ["account-disabled", "account-enabled", "account-disabled", "account-purged"]
    assert {claims["sub_id"]["sub"] for claims in receiver.pushed} == {ada}


@pytest.mark.parametrize("subject_type", ["public", "pairwise"])
def test_the_deletion_of_a_user_ends_the_sessions_too(
    receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work, subject_type: str
) -> None:
    receiver = receive(subject_type=subject_type)
    receiver.create()
    meet(receiver, ada)
    with work() as w:
        users.delete_user(w, user_id=ada)
    receiver.run()
    assert kinds(receiver.pushed) == ["session-revoked", "account-purged"]
    assert len({claims["sub_id"]["sub"] for claims in receiver.pushed}) == 1


def test_a_pairwise_receiver_hears_of_its_own_sub_only(
    receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work
) -> None:
    """N-484. The `sub` and the `sid` are those of its ID tokens (SSF 1.0 section 10.1)."""
    receiver = receive(subject_type="pairwise")
    receiver.create()
    meet(receiver, ada)
    with work() as w:
        [session] = sessions.find_all(w.read, ada)
        lifecycle.end_session(w, session, reason="signed_out")
        suspension.suspend(w, user_id=ada, reason=None)
    receiver.run()
    assert len(receiver.pushed) >= 2
    assert ada not in str(receiver.pushed)
    assert session.id not in str(receiver.pushed)


def test_users_that_a_receiver_does_not_know_stay_unknown(
    receiver: Receiver, receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work
) -> None:
    """N-485."""
    other = receive()
    other.create(POLL)
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        bob = make_user(w, "bob@example.test")
        for each in (ada, bob):
            suspension.suspend(w, user_id=each, reason=None)
            users.delete_user(w, user_id=each)
    assert other.take() == []
    assert bob not in str(receiver.take())


def test_credentials_that_change_are_named(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """CAEP 1.0 section 3.3, RISC 1.0 section 2.7."""
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        log.record(w, Event.PASSWORD_CHANGED, user_id=ada)
        log.record(w, Event.AUTHENTICATOR_APP_ADDED, user_id=ada, name="phone")
        log.record(w, Event.PASSKEY_REMOVED, user_id=ada, name="laptop")
        log.record(w, Event.TWO_FACTOR_ENABLED, user_id=ada, method="passkey")
    changes = [claims["events"][CAEP + "credential-change"] for claims in receiver.take()]
    assert [(each["credential_type"], each["change_type"]) for each in changes] == [
        ("password", "update"),
        ("app", "create"),
        ("fido2-platform", "delete"),
    ]
    assert all(each["reason_admin"]["en"] for each in changes)
    with work() as w:
        compromise_report.report(w, user_id=ada)
    [compromised] = [each for each in receiver.take() if RISC + "credential-compromise" in each["events"]]
    assert compromised["events"][RISC + "credential-compromise"]["credential_type"] == "password"


def test_a_second_factor_raises_the_level_of_a_session(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """CAEP 1.0 section 3.4."""
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        [session] = sessions.find_all(w.read, ada)
        log.record(w, Event.STEPPED_UP, user_id=ada, session=session.id)
        log.record(w, Event.STEPPED_UP, user_id=ada, session=session.id, method="totp")
    [claims] = receiver.take()
    event = claims["events"][CAEP + "assurance-level-change"]
    assert (event["namespace"], event["current_level"]) == ("NIST-AAL", "nist-aal2")
    assert claims["sub_id"]["session"]["id"] == session.id


def test_claims_that_change_are_sent_as_far_as_the_user_lets_the_receiver_know(
    receiver: Receiver, meet: Meet, ada: str, work: Work
) -> None:
    """N-486. CAEP 1.0 section 3.2. The user allowed the scope `roles`, and not `profile`."""
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        profile.change_profile(w, user_id=ada, claims={"given_name": "Augusta"})
        users.set_roles(w, user_id=ada, roles=["editor"])
    [claims] = receiver.take()
    assert claims["events"][CAEP + "token-claims-change"]["claims"] == {"roles": ["editor"]}
    with work() as w:
        users.set_roles(w, user_id=ada, roles=[])
    [claims] = receiver.take()
    assert claims["events"][CAEP + "token-claims-change"]["claims"] == {"roles": []}


def test_a_changed_address_reaches_receivers_that_may_know_it(
    receiver: Receiver, receive: Callable[..., Receiver], meet: Meet, ada: str, work: Work
) -> None:
    """N-487. RISC 1.0 section 2.5: the subject is the old address."""
    other = receive()
    for each, scope in ((receiver, "openid email"), (other, "openid")):
        each.create(POLL)
        meet(each, ada, scope=scope)
    with work() as w:
        signals.address_changed(w, ada, before="ada@example.test", after="new@example.test")
    [claims] = receiver.take()
    assert claims["sub_id"] == {"format": "email", "email": "ada@example.test"}
    assert claims["events"][RISC + "identifier-changed"] == {"new-value": "new@example.test"}
    assert other.take() == []


def test_what_was_not_asked_for_is_not_sent(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """SSF 1.0 section 8.1.1: only what the receiver requested. A stream that requested nothing gets nothing."""
    receiver.create(POLL, events_requested=[RISC + "account-purged", "urn:example:unknown"])
    assert receiver.stream["events_delivered"] == [RISC + "account-purged"]
    meet(receiver, ada)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert receiver.take() == []


def test_a_change_that_is_undone_tells_nothing(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    receiver.create(POLL)
    meet(receiver, ada)
    with pytest.raises(ZeroDivisionError), work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
        _ = 1 / 0
    assert receiver.take() == []


def test_sign_ins_and_tokens_cost_no_statement() -> None:
    """Their events are none of those that are looked at."""
    assert not [event for event in notices.WATCHED if event.startswith(("session.signed_in", "token.", "consent."))]


def test_without_streams_a_watched_event_costs_one_statement(ada: str, work: Work, installation: Installation) -> None:
    with recorded(installation.database.engine) as statements, work() as w:
        log.record(w, Event.PASSWORD_CHANGED, user_id=ada)
    assert len([one for one in statements if "signal" in one]) == 1


def test_no_address_is_readable_in_the_queue(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    """N-488."""
    receiver.create(POLL)
    meet(receiver, ada)
    with work() as w:
        signals.address_changed(w, ada, before="ada@example.test", after="new@example.test")
    with work() as w:
        rows = str(w.read.exec_driver_sql("SELECT * FROM signals").all())
        header = str(w.read.exec_driver_sql("SELECT * FROM signal_streams").all())
    assert "example.test" not in rows
    assert "of-the-receiver" not in header


def test_a_deleted_client_takes_its_stream_along(receiver: Receiver, meet: Meet, ada: str, work: Work) -> None:
    receiver.create()
    meet(receiver, ada)
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    with work() as w:
        clients.delete_client(w, receiver.client_id)
    receiver.run()
    assert receiver.server.requests == []
    with work() as w:
        assert {one.state for one in outbox.find(w.read, topic="signals")} == {"kept"}
