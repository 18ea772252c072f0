"""A sign-in with the password in the moment in which its user turns two-factor authentication on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from provider.accounts.factors import passkey_two_factor, totp_enrolment
from provider.accounts.factors.store import passkeys, totp_setups
from provider.accounts.factors.totp import open_seed
from provider.accounts.store import users
from provider.crypto.digests import digest
from provider.login.arrival import Arrival
from provider.login.next_factor import Step
from provider.login.password import sign_in_by_password
from provider.login.steps import SignIn
from provider.sessions import store as sessions
from provider.sessions.lifecycle import open_session
from provider.work import Installation, UnitOfWork, unit_of_work
from tests.accounts.account_with_everything import make_passkey
from tests.support.factories import PASSWORD, make_user
from tests.support.installation import Work
from tests.support.locks import meanwhile
from tests.support.people import ADDRESS, code_of

pytestmark = pytest.mark.only_on("postgresql")

TurnOn = Callable[[UnitOfWork], object]


@pytest.fixture(params=["authenticator app", "passkey"])
def turn_on(request: pytest.FixtureRequest, work: Work) -> TurnOn:
    """Turn it on in a session that Ada has, by an app that she has scanned or with a passkey that she has used."""
    by_app = request.param == "authenticator app"
    with work() as w:
        user_id = make_user(w)
        user = users.find(w.db, user_id)
        assert user is not None
        factor = "pwd" if by_app else "swk mfa"
        cookie = open_session(w, user_id=user_id, security_stamp=user.security_stamp, factor=factor)
        passkeys.add(w.db, make_passkey(user_id, w.now))
        [session] = sessions.find_all(w.db, user_id)
        assert session.digest == digest(cookie)
        if by_app:
            totp_enrolment.begin_enrolment(w, session)

    def act(w: UnitOfWork) -> None:
        if not by_app:
            passkey_two_factor.turn_on(w, session)
            return
        setup = totp_setups.find(w.read, user_id, session_id=session.id, begun_after=w.now - timedelta(minutes=1))
        assert setup is not None
        totp_enrolment.confirm_enrolment(w, session, code=code_of(open_seed(w, user_id, setup.seed), w.now))

    return act


def sign_in(work: UnitOfWork) -> SignIn:
    return sign_in_by_password(work, Arrival(), username=ADDRESS, password=PASSWORD)


def test_a_sign_in_that_waits_until_it_is_turned_on_needs_the_factor(
    turn_on: TurnOn, installation: Installation
) -> None:
    """N-600."""

    def act() -> SignIn:
        with unit_of_work(installation) as w:
            return sign_in(w)

    assert meanwhile(installation, turn_on, act).step is Step.SECOND_FACTOR


def test_a_session_that_began_just_before_ends_with_the_others(turn_on: TurnOn, installation: Installation) -> None:
    begun: list[SignIn] = []

    def act() -> None:
        with unit_of_work(installation) as w:
            turn_on(w)

    meanwhile(installation, lambda w: begun.append(sign_in(w)), act)
    [signed_in] = begun
    assert signed_in.step is Step.DONE
    with unit_of_work(installation) as w:
        ended = [one.digest for one in sessions.find_all(w.read, signed_in.user_id) if one.ended_at is not None]
    assert ended == [digest(signed_in.cookie)]
