"""TOTP (RFC 6238): enrol, confirm by a first valid code, accept each time step once, turn off."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import pyotp

from provider.accounts.access import Cause, end_access
from provider.accounts.factors import second_factor
from provider.accounts.factors.recovery_codes import replace_codes
from provider.accounts.factors.second_factor import Method
from provider.accounts.factors.store import recovery_codes, totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.notices import notify
from provider.accounts.store import email_addresses
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.sessions.assurance import AAL2, ONE_TIME_CODE, acr_of
from provider.sessions.lifecycle import raise_level
from provider.sessions.store import Session
from provider.work import UnitOfWork

ENROLMENT_LIFETIME = timedelta(minutes=30)
"""To scan the picture and type the first code."""


class WrongFirstCode(Refusal):
    code = "wrong-first-code"
    message = Text(
        "This code is not right. Check that the clock of your device is right, and enter the code it shows now."
    )


class EnrolmentGone(Refusal):
    """Confirmed before, replaced by a newer one, begun in another session, or too old."""

    code = "enrolment-gone"
    message = Text("This set-up is over. Start again to get a new key.")


class NotTurnedOn(Refusal):
    code = "not-turned-on"
    message = Text("Two-factor sign-in is not on.")


class FactorNeeded(Refusal):
    code = "factor-needed"
    message = Text("Show your current second factor first.")


@dataclass(frozen=True)
class Enrolment:
    """What the authenticator app needs, shown until it is confirmed and never again."""

    key: str
    uri: str


def is_enabled(work: UnitOfWork, user_id: str) -> bool:
    return totp.find(work.read, user_id) is not None


def begin_enrolment(work: UnitOfWork, session: Session) -> None:
    """A new seed, which counts for nothing until `confirm_enrolment`. The factor in use stays until then."""
    _require_factor_in_use(work, session)
    seed = work.vault.encrypt(pyotp.random_base32().encode(), purpose=second_factor.SEED, context=session.user_id)
    totp.begin_enrolment(work.db, session.user_id, session_id=session.id, seed=seed, now=work.now)


def find_enrolment(work: UnitOfWork, session: Session) -> Enrolment | None:
    """The set-up this very session began; nobody else's."""
    sealed = _find_sealed(work, session)
    if sealed is None:
        return None
    key = second_factor.open_seed(work, session.user_id, sealed)
    address = email_addresses.find_of_user(work.read, session.user_id)
    account = address.address if address else urlsplit(work.settings.issuer).hostname
    return Enrolment(key, pyotp.TOTP(key).provisioning_uri(name=account, issuer_name=work.settings.brand))


def confirm_enrolment(work: UnitOfWork, session: Session, *, code: str) -> tuple[str, list[str]]:
    """Turn it on. Returns this session's new cookie value and the recovery codes, both shown or sent once.

    Other sessions end, so that nobody who was in stays in without the factor.
    """
    _require_factor_in_use(work, session)
    sealed = _find_sealed(work, session)
    if sealed is None:
        raise EnrolmentGone
    step = second_factor.matching_step(work, second_factor.open_seed(work, session.user_id, sealed), code)
    if step is None:
        raise WrongFirstCode
    if not totp.spend_enrolment(work.db, session.user_id, seed=sealed):
        raise EnrolmentGone
    value = raise_level(work, session, factor=ONE_TIME_CODE)
    if value is None:
        raise EnrolmentGone
    totp.replace(work.db, TotpCredential(session.user_id, sealed, work.now, step))
    codes = replace_codes(work, session.user_id)
    end_access(work, user_id=session.user_id, cause=Cause.TWO_FACTOR_ENABLED, but={session.id})
    record(work, Event.TWO_FACTOR_ENABLED, user_id=session.user_id)
    notify(work, session.user_id, messages.two_factor_enabled)
    return value, codes


def turn_off(work: UnitOfWork, session: Session, *, method: Method, code: str) -> None:
    """Back to the password alone. Needs a valid code now, counted like any other try."""
    if not is_enabled(work, session.user_id):
        raise NotTurnedOn
    second_factor.prove(work, session, method=method, code=code)
    _remove(work, session.user_id, by="user")
    end_access(work, user_id=session.user_id, cause=Cause.TWO_FACTOR_DISABLED, but={session.id})


def reset(work: UnitOfWork, *, user_id: str) -> None:
    """Turn two-factor authentication off as an operator, for a user who lost the device and the recovery codes.

    Ends every session, all access of applications and every link in an email. Raises NotTurnedOn.
    """
    if not is_enabled(work, user_id):
        raise NotTurnedOn
    _remove(work, user_id, by="operator")
    end_access(work, user_id=user_id, cause=Cause.TWO_FACTOR_RESET)


def grouped(key: str) -> str:
    """The key in groups of four, for reading; apps ignore the spaces."""
    return " ".join(re.findall("....?", key))


def _find_sealed(work: UnitOfWork, session: Session) -> str | None:
    begun_after = work.now - ENROLMENT_LIFETIME
    return totp.find_enrolment(work.read, session.user_id, session_id=session.id, begun_after=begun_after)


def _require_factor_in_use(work: UnitOfWork, session: Session) -> None:
    if is_enabled(work, session.user_id) and acr_of(session.amr) != AAL2:
        raise FactorNeeded


def _remove(work: UnitOfWork, user_id: str, *, by: str) -> None:
    totp.remove(work.db, user_id)
    recovery_codes.remove(work.db, user_id)
    record(work, Event.TWO_FACTOR_DISABLED, user_id=user_id, by=by)
    notify(work, user_id, messages.two_factor_disabled)
