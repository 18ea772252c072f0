"""Setting up an authenticator app: a new key, shown until a first valid code confirms it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode, urlsplit

from provider.accounts.access import Cause, end_access
from provider.accounts.factors import second_factor
from provider.accounts.factors.recovery_codes import replace_codes
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import matching_step, new_seed, open_seed
from provider.accounts.notices import notify
from provider.accounts.store import email_addresses
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.free_text import repair_line
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.sessions.assurance import AAL2, ONE_TIME_CODE, acr_of
from provider.sessions.lifecycle import raise_level
from provider.sessions.store import Session
from provider.work import UnitOfWork

ENROLMENT_LIFETIME = timedelta(minutes=30)
"""To scan the picture and type the first code."""
LONGEST_ISSUER, LONGEST_ACCOUNT = 50, 100
"""Characters of the names in an otpauth URI. Apps show fewer."""


class WrongFirstCode(Refusal):
    code = "wrong-first-code"
    message = Text(
        "That code is wrong. Check that your device's clock is correct, then enter the code your app shows now."
    )


class EnrolmentGone(Refusal):
    """The set-up was confirmed before, replaced by a newer one, begun in another session, or is too old."""

    code = "enrolment-gone"
    message = Text("This setup has expired. Start again to get a new key.")


class FactorNeeded(Refusal):
    code = "factor-needed"
    message = Text("Enter a code from your current device first.")


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs. It is shown until the set-up is confirmed, and never again."""

    key: str
    uri: str


def begin_enrolment(work: UnitOfWork, session: Session) -> None:
    """Begin a setup with a new seed, which has no effect until `confirm_enrolment`. A factor in use stays."""
    _require_factor_in_use(work, session)
    seed = new_seed(work, session.user_id)
    totp.begin_enrolment(work.db, session.user_id, session_id=session.id, seed=seed, now=work.now)


def find_enrolment(work: UnitOfWork, session: Session) -> Enrolment | None:
    """Return the set-up that this session began, or None."""
    sealed = _find_sealed(work, session)
    if sealed is None:
        return None
    key = open_seed(work, session.user_id, sealed)
    address = email_addresses.find_of_user(work.read, session.user_id)
    account = address.address if address else urlsplit(work.settings.issuer).hostname
    return Enrolment(key, key_uri(key, account=account or "", issuer=work.settings.brand))


def confirm_enrolment(work: UnitOfWork, session: Session, *, code: str) -> tuple[str, list[str]]:
    """Turn two-factor authentication on. Returns this session's new cookie value and the recovery codes.

    Other sessions end, so that nobody stays signed in without the factor. Raises FactorNeeded, EnrolmentGone or
    WrongFirstCode.
    """
    _require_factor_in_use(work, session)
    sealed = _find_sealed(work, session)
    if sealed is None:
        raise EnrolmentGone
    step = matching_step(work, open_seed(work, session.user_id, sealed), code)
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


def key_uri(key: str, *, account: str, issuer: str) -> str:
    """Return the key as an otpauth URI (Key URI Format, as authenticator apps read it).

    A colon separates the issuer from the account, so neither contains one. Apps split the label before they decode
    it or after, and only some read `+` as a space, so everything else is percent-encoded. Both names are cut to what a
    QR code can hold.
    """
    account = repair_line(account.replace(":", " "), most=LONGEST_ACCOUNT)
    issuer = repair_line(issuer.replace(":", " "), most=LONGEST_ISSUER) or account
    label = f"{quote(issuer, safe='')}:{quote(account or issuer, safe='')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': key, 'issuer': issuer}, quote_via=quote, safe='')}"


def grouped(key: str) -> str:
    """Return the key in groups of four characters, for reading. Apps ignore the spaces."""
    return " ".join(re.findall("....?", key))


def _find_sealed(work: UnitOfWork, session: Session) -> str | None:
    begun_after = work.now - ENROLMENT_LIFETIME
    return totp.find_enrolment(work.read, session.user_id, session_id=session.id, begun_after=begun_after)


def _require_factor_in_use(work: UnitOfWork, session: Session) -> None:
    if second_factor.is_enabled(work, session.user_id) and acr_of(session.amr) != AAL2:
        raise FactorNeeded
