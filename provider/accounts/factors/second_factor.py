"""Second factors, whatever their kind: which a user has, and their proof, counted per account wherever it is given."""

from collections.abc import Collection
from typing import Any

from provider.accounts import throttle
from provider.accounts.factors import policy
from provider.accounts.factors.factor import Factor, UsedSecondFactor
from provider.accounts.factors.passkeys import PASSKEYS
from provider.accounts.factors.recovery_codes import RECOVERY_CODES
from provider.accounts.factors.store import two_factor_choices
from provider.accounts.factors.totp import TOTP
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import Refusal
from provider.sessions.assurance import AAL1, AAL2, PHR, has_two_factors
from provider.sessions.lifecycle import end_session
from provider.sessions.store import Session
from provider.work import UnitOfWork

FACTORS: tuple[Factor, ...] = (PASSKEYS, TOTP, RECOVERY_CODES)
"""Every kind of second factor. The first one that a user has is asked for first; the others are offered."""


class SecondFactorLocked(Refusal):
    code = "second-factor-locked"
    message = Text("Codes from your app are locked after too many wrong ones. Use a recovery code to unlock them.")


class SignInExpired(Refusal):
    """Too many wrong codes in one sign-in: the session is over, and the password is asked again."""

    code = "sign-in-over"
    message = Text("Too many wrong codes. Sign in again.")


def is_enabled(work: UnitOfWork, user_id: str) -> bool:
    """Return whether a sign-in of this user needs a second factor."""
    return bool(find_owners(work, [user_id]))


def has_every_factor(work: UnitOfWork, user_id: str, amr: str) -> bool:
    """Return whether a sign-in with these methods had the second factor, if this user needs one to sign in."""
    return has_two_factors(amr) or not is_enabled(work, user_id)


def find_owners(work: UnitOfWork, user_ids: Collection[str]) -> set[str]:
    """Return which of these users need a second factor to sign in: those with an authenticator app, those who turned it
    on with passkeys, and those who have passkeys and are required to use a second factor.
    """
    needing = (factor for factor in FACTORS if not factor.signs_in)
    owners = {user_id for factor in needing for user_id in factor.find_owners(work, user_ids)}
    owners |= two_factor_choices.find_owners(work.read, user_ids)
    others = set(user_ids) - owners
    return owners | policy.find_bound(work, others) if others else owners


def is_turned_on(work: UnitOfWork, user_id: str) -> bool:
    """Return whether the user turned two-factor authentication on. An operator may require it all the same."""
    needing = any(factor.is_set_up(work, user_id) for factor in FACTORS if not factor.signs_in)
    return needing or two_factor_choices.find_time(work.read, user_id) is not None


def reachable_level(work: UnitOfWork, user_id: str) -> str:
    """Return the highest level that a sign-in of this user can have with what is set up."""
    if PASSKEYS.is_set_up(work, user_id):
        return PHR
    return AAL2 if is_enabled(work, user_id) else AAL1


def find_offered(work: UnitOfWork, user_id: str, *, level: str = AAL2) -> tuple[Factor, ...]:
    """Return the factors this user can be asked for, the one to ask for first in front. Empty without a second factor.

    A fallback is offered also when nothing is left of it, so that the page can say what to do then. Only a passkey
    reaches the level `phr`.
    """
    own = tuple(factor for factor in FACTORS if factor.is_set_up(work, user_id))
    if level == PHR:
        return tuple(factor for factor in own if factor is PASSKEYS)
    has_fallback = is_enabled(work, user_id)
    return (*own, *(factor for factor in FACTORS if factor.is_fallback)) if has_fallback else own


def factor_of(answer: str) -> Factor:
    """Return the factor that an answer belongs to, where one form field takes any. A fallback takes what is left."""
    in_turn = sorted(FACTORS, key=lambda factor: factor.is_fallback)
    return next(factor for factor in in_turn if factor.recognizes(answer))


def prove(work: UnitOfWork, session: Session, *, factor: Factor, code: str) -> str:
    """Accept a code of this factor, or another answer, of the user of this session. Each is accepted once. Returns the
    value of `amr` that it stands for.

    Raises what the factor has for a wrong one (`Factor.wrong`), UsedSecondFactor, SecondFactorLocked, SignInExpired or
    TooManyRequests. A wrong one is counted, and so is one that was used before.
    """
    network = of_network(work, "code")
    require_room(work, LIMITS.code, key=network)
    user_id = session.user_id
    try:
        failed = throttle.reserve(work, factor.policy, user_id)
    except throttle.Exhausted:
        raise SecondFactorLocked from None
    # A proof that fails has written nothing, so what follows a failure is all there is to commit.
    if (amr := factor.prove(work, session, code)) is not None:
        throttle.settle(work, factor.policy, user_id)
        return amr
    count(work, LIMITS.code, key=network)
    was_used = factor.was_used(work, session, code)
    reason = "used" if was_used else "wrong"
    record(work, Event.SECOND_FACTOR_FAILED, user_id=user_id, method=factor.name, reason=reason)
    if failed == throttle.SECOND_FACTOR.ceiling:
        record(work, Event.TWO_FACTOR_LOCKED, user_id=user_id)
    if failed % throttle.FAILURES_PER_SIGN_IN == 0:
        end_session(work, session, reason="second_factor_failed")
        raise SignInExpired
    raise UsedSecondFactor if was_used else factor.wrong


def remove_all(work: UnitOfWork, user_id: str) -> None:
    """Delete every factor of this user, fallbacks included. Those that sign in on their own stay (`access`)."""
    two_factor_choices.remove(work.db, user_id)
    for factor in FACTORS:
        if not factor.signs_in:
            factor.remove(work, user_id)


def forget_setups(work: UnitOfWork, user_id: str) -> None:
    """Delete what this user began to set up and did not confirm yet."""
    for factor in FACTORS:
        factor.forget_setup(work, user_id)


def export(work: UnitOfWork, user_id: str) -> dict[str, Any]:
    """Return what is stored of this user's factors, without secrets."""
    exported = {name: value for factor in FACTORS for name, value in factor.export(work, user_id).items()}
    return {**exported, "on_with_passkeys_since": two_factor_choices.find_time(work.read, user_id)}
