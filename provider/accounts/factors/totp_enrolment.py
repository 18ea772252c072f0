"""Setting up an authenticator app: a new key, shown until a first valid code confirms it.

The first app of a user turns two-factor authentication on. Another one is added to those that the user has, or replaces
one of them in the moment in which it is confirmed.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import quote, urlencode, urlsplit

from provider.accounts.access import Cause, end_access
from provider.accounts.factors import authenticator_apps, second_factor
from provider.accounts.factors.authenticator_apps import TooManyAuthenticatorApps
from provider.accounts.factors.recovery_codes import replace_codes
from provider.accounts.factors.store import totp, totp_setups
from provider.accounts.factors.store.totp import LONGEST_NAME, TotpCredential
from provider.accounts.factors.store.totp_setups import TotpSetup
from provider.accounts.factors.totp import matching_step, name_of, new_seed, open_seed
from provider.accounts.notices import notify
from provider.accounts.store import email_addresses, users
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.free_text import clean_line, repair_line
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.sessions.assurance import ONE_TIME_CODE
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
    """The key of a new authenticator app. It is shown until the set-up is confirmed, and never again."""

    key: str
    uri: str
    count: int
    """How many apps the user has meanwhile."""
    replaces: str | None
    """The name of the app that ends when this one is confirmed."""


def begin_enrolment(work: UnitOfWork, session: Session, *, replaces: str | None = None) -> None:
    """Begin a setup with a new seed, which has no effect until `confirm_enrolment`. Apps in use stay until then.

    `replaces` is the id of the app that ends with the confirmation. Raises FactorNeeded, NoSuchAuthenticatorApp or
    TooManyAuthenticatorApps.
    """
    _require_factor_in_use(work, session)
    user_id, held = session.user_id, totp.find_of_user(work.read, session.user_id)
    if replaces is not None:
        authenticator_apps.find(held, replaces)
    elif len(held) >= authenticator_apps.MOST:
        raise TooManyAuthenticatorApps
    totp_setups.begin(work.db, TotpSetup(user_id, session.id, new_seed(work, user_id), work.now, replaces))


def find_enrolment(work: UnitOfWork, session: Session) -> Enrolment | None:
    """Return the set-up that this session began, or None."""
    setup = _find_setup(work, session)
    if setup is None:
        return None
    key = open_seed(work, session.user_id, setup.seed)
    address = email_addresses.find_of_user(work.read, session.user_id)
    account = address.address if address else urlsplit(work.settings.issuer).hostname
    held = totp.find_of_user(work.read, session.user_id)
    replaces = next((name_of(one) for one in held if one.id == setup.replaces), None)
    uri = key_uri(key, account=account or "", issuer=work.settings.brand)
    return Enrolment(key, uri, count=len(held), replaces=replaces)


def confirm_enrolment(work: UnitOfWork, session: Session, *, code: str, name: str = "") -> tuple[str, list[str]]:
    """Accept the codes of the new app from now on. Returns this session's new cookie value and the recovery codes.

    The first app turns two-factor authentication on: other sessions end, so that nobody stays signed in without the
    factor. They also end if the app replaces another one, which may be in other hands. One that is added leaves
    sessions and recovery codes as they are, and returns none. Raises FactorNeeded, EnrolmentGone, WrongFirstCode,
    TooManyAuthenticatorApps, or InvalidText for a name that cannot be shown.
    """
    _require_factor_in_use(work, session)
    user_id, setup = session.user_id, _find_setup(work, session)
    if setup is None:
        raise EnrolmentGone
    cleaned = clean_line(name, most=LONGEST_NAME)
    step = matching_step(work, open_seed(work, user_id, setup.seed), code)
    if step is None:
        raise WrongFirstCode
    held = totp.lock_of_user(work.db, user_id)
    if not held:
        users.queue_at(work.db, user_id)  # a sign-in without the factor is over, or waits and asks for it
    replaced = next((one for one in held if one.id == setup.replaces), None)
    if setup.replaces is not None and replaced is None:
        raise EnrolmentGone
    if replaced is None and len(held) >= authenticator_apps.MOST:
        raise TooManyAuthenticatorApps
    if not totp_setups.spend(work.db, setup):
        raise EnrolmentGone
    value = raise_level(work, session, factor=ONE_TIME_CODE)
    if value is None:
        raise EnrolmentGone
    credential = TotpCredential(user_id, setup.seed, work.now, step, name=cleaned)
    if replaced is not None:
        return value, _move(work, session, replaced, credential)
    totp.add(work.db, credential)
    if held:
        _record_added(work, credential)
        notify(work, user_id, partial(messages.authenticator_app_added, app=credential.name))
        return value, []
    codes = replace_codes(work, user_id)
    end_access(work, user_id=user_id, cause=Cause.TWO_FACTOR_ENABLED, but={session.id})
    record(work, Event.TWO_FACTOR_ENABLED, user_id=user_id)
    notify(work, user_id, messages.two_factor_enabled)
    return value, codes


def _move(work: UnitOfWork, session: Session, old: TotpCredential, new: TotpCredential) -> list[str]:
    if not totp.replace(work.db, old, new):
        raise EnrolmentGone
    codes = replace_codes(work, new.user_id)
    end_access(work, user_id=new.user_id, cause=Cause.TWO_FACTOR_ENABLED, but={session.id})
    _record_added(work, new)
    authenticator_apps.record_removed(work, old)
    notify(work, new.user_id, partial(messages.authenticator_app_moved, app=new.name, old=old.name))
    return codes


def _record_added(work: UnitOfWork, credential: TotpCredential) -> None:
    record(
        work,
        Event.AUTHENTICATOR_APP_ADDED,
        user_id=credential.user_id,
        authenticator_app=credential.id,
        name=name_of(credential),
    )


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


def _find_setup(work: UnitOfWork, session: Session) -> TotpSetup | None:
    begun_after = work.now - ENROLMENT_LIFETIME
    return totp_setups.find(work.read, session.user_id, session_id=session.id, begun_after=begun_after)


def _require_factor_in_use(work: UnitOfWork, session: Session) -> None:
    if not second_factor.has_every_factor(work, session.user_id, session.amr):
        raise FactorNeeded
