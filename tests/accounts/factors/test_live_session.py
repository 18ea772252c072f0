"""What opens an account is added only in a session that still counts, also if it counted when the request read it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from provider.accounts import compromise_report, linked_identities
from provider.accounts.access import Cause, end_access
from provider.accounts.factors import passkey_two_factor, passkeys, recovery_codes, totp_enrolment
from provider.accounts.factors.live_session import SessionEnded
from provider.accounts.factors.store import passkeys as stored_passkeys
from provider.accounts.factors.store import recovery_codes as stored_codes
from provider.accounts.factors.store import totp, two_factor_choices
from provider.accounts.passwords import password_change
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.store import linked_identities as stored_identities
from provider.accounts.store import users
from provider.crypto.digests import digest
from provider.database.base import new_id
from provider.sessions import lifecycle, store
from provider.sessions.store import Session
from provider.work import Installation, UnitOfWork, unit_of_work
from tests.support.authenticator import Authenticator
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work
from tests.support.people import code_of
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.also_on_postgresql

NEW = "a brand new and long password"
Act = Callable[[UnitOfWork, Session], object]


@pytest.fixture
def session(work: Work) -> Session:
    """The session of Ada, as a request read it that has written nothing yet."""
    with work() as w:
        ada = make_user(w)
    with work() as w:
        stamp = users.lock_security_stamp(w.db, ada)
        assert stamp is not None
        value = lifecycle.open_session(w, user_id=ada, security_stamp=stamp, factor="pwd")
    with work() as w:
        (found,) = store.find_all(w.read, ada)
    assert found.digest == digest(value)
    return found


def add_passkey(w: UnitOfWork, session: Session) -> None:
    answer = Authenticator().create(passkeys.new_passkey_options(w, session))
    passkeys.add(w, session, answer=answer)


def link_identity(w: UnitOfWork, session: Session) -> None:
    linked_identities.link(
        w,
        user_id=session.user_id,
        issuer="https://upstream.test",
        subject="mallory",
        email=None,
        name="Upstream",
        session=session,
    )


def turn_two_factor_on(w: UnitOfWork, session: Session) -> None:
    passkey_two_factor.turn_on(w, replace(session, amr="hwk user mfa"))


def set_up_app(w: UnitOfWork, session: Session) -> None:
    totp_enrolment.begin_enrolment(w, session)
    begun = totp_enrolment.find_enrolment(w, session)
    assert begun is not None
    totp_enrolment.confirm_enrolment(w, session, code=code_of(begun.key, w.now))


def renew_recovery_codes(w: UnitOfWork, session: Session) -> None:
    recovery_codes.renew_codes(w, session)


def change_password(w: UnitOfWork, session: Session) -> None:
    password_change.change_password(w, session, current=PASSWORD, password=NEW)


def added(work: Work, user_id: str) -> list[Any]:
    """What opens Ada's account beside the passkey and the password that she has."""
    with work() as w:
        return [
            len(stored_passkeys.find_of_user(w.read, user_id)) - 1,
            stored_identities.find_of_user(w.read, user_id),
            totp.find_of_user(w.read, user_id),
            two_factor_choices.find_time(w.read, user_id),
            stored_codes.count_left(w.read, user_id),
            is_password_of(w, user_id, NEW),
        ]


ACTS = [add_passkey, link_identity, turn_two_factor_on, set_up_app, renew_recovery_codes, change_password]


def made_afterwards(w: UnitOfWork, session: Session) -> Session:
    """A session with the old stamp: a sign-in that was under way, or an app that makes its own session."""
    late = replace(session, id=new_id(), digest=digest(new_id()))
    store.add(w.db, late)
    return late


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_nothing_that_opens_the_account_is_added_after_access_ended(
    work: Work, session: Session, act: Act, is_late: bool
) -> None:
    """N-611: a thief's request read its session before all access ended, and writes afterwards."""
    with work() as w:
        add_passkey(w, session)
    with work() as w:
        end_access(w, user_id=session.user_id, cause=Cause.SIGNED_OUT_EVERYWHERE)
        used = made_afterwards(w, session) if is_late else session
    with work() as w, pytest.raises((SessionEnded, totp_enrolment.EnrolmentGone)):
        act(w, used)
    assert added(work, session.user_id) == [0, [], [], None, 0, False]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_is_added_while_the_session_counts(work: Work, session: Session, act: Act) -> None:
    with work() as w:
        add_passkey(w, session)
    before = added(work, session.user_id)
    with work() as w:
        act(w, session)
    assert added(work, session.user_id) != before


@pytest.mark.both_databases
@pytest.mark.parametrize("act", [add_passkey, link_identity])
def test_a_report_that_is_under_way_is_waited_for(
    installation: Installation, work: Work, session: Session, act: Act
) -> None:
    """N-612: "This was not me" is not committed yet when the thief's request comes to its first write."""

    def add() -> None:
        with unit_of_work(installation) as w:
            act(w, session)

    with ThreadPoolExecutor(1) as pool:
        with work() as w:
            compromise_report.report(w, user_id=session.user_id)
            adding = pool.submit(add)
            with pytest.raises(TimeoutError):
                adding.result(timeout=0.3)
        with pytest.raises(SessionEnded):
            adding.result(timeout=PATIENCE)
    assert added(work, session.user_id)[:2] == [-1, []]


@pytest.mark.both_databases
@pytest.mark.parametrize("act", [add_passkey, link_identity])
def test_a_report_ends_what_is_being_added(installation: Installation, work: Work, session: Session, act: Act) -> None:
    """The thief's request came first: the report waits for it."""

    def report() -> None:
        with unit_of_work(installation) as w:
            compromise_report.report(w, user_id=session.user_id)

    with ThreadPoolExecutor(1) as pool:
        with work() as w:
            act(w, session)
            reporting = pool.submit(report)
            with pytest.raises(TimeoutError):
                reporting.result(timeout=0.3)
        reporting.result(timeout=PATIENCE)
    assert added(work, session.user_id)[:2] == [-1, []]
