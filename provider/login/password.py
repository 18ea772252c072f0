"""Signing in with an email address and a password, and what begins a session for a password that was typed before.

The password is stored here, or a directory checks it (`login.directory_users`).
"""

from dataclasses import dataclass
from datetime import datetime

from provider.accounts import known_devices, throttle
from provider.accounts.attempts import Attempt, begin_attempt
from provider.accounts.email.email_addresses import Address, parse_address
from provider.accounts.passwords import passwords
from provider.accounts.passwords.directories import DirectoryUser, find_directory_at, find_directory_user
from provider.accounts.store import email_addresses, users
from provider.accounts.store import passwords as password_hashes
from provider.accounts.store.email_addresses import EmailAddress, Holder
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.security_stamp import FIRST
from provider.languages.text import Text
from provider.login.active import Suspended, require_active, require_own
from provider.login.arrival import Arrival
from provider.login.directory_users import find_user
from provider.login.next_factor import Step, step_after_first_factor
from provider.login.steps import SignIn, begin_after_first_factor, begin_session
from provider.observability.metrics import SIGN_INS
from provider.refusals import Refusal
from provider.sessions.assurance import PASSWORD
from provider.work import UnitOfWork


class WrongPassword(Refusal):
    """The address is unknown, or the password is wrong or not set. All get the same answer in the same time."""

    code = "wrong-password"
    message = Text("Wrong email address or password.")


@dataclass(frozen=True)
class _Proven:
    """An account whose password was typed."""

    user: User
    address: EmailAddress | None
    security_stamp: datetime
    """The account's, from before the password was checked."""
    attempt: Attempt | None
    """The attempt that was counted as failed. None if it counts for another account, so that it stays."""
    by_directory: bool = False


@SIGN_INS.count_refusals("password")
def sign_in_by_password(
    work: UnitOfWork, arrival: Arrival, *, username: str, password: str, is_solved: bool = True
) -> SignIn:
    """Check the email address and password, and begin a session.

    `is_solved`: the form came with proof of work, or needs none.

    Whether the account may sign in is decided and revealed only after the right password. An unverified address opens
    nothing, and neither does the password of a claim to another user's address. Raises WrongPassword, Suspended,
    DeletionPending, AddressUnconfirmed or TooManyRequests.
    """
    address = parse_address(username)
    owner, claimant = (
        (None, None) if address is None else email_addresses.find_owner_and_claimant(work.read, address.normal)
    )
    directory = _find_directory(work, address, owner)
    if directory is not None:
        _ = work.outbound  # from here on in a thread that may wait: before anything is counted
    # An address nobody has is counted like one somebody has: the wait must not tell them apart.
    typed = username.strip().lower() if address is None else address.normal
    subject = throttle.subject_of_unproven(work, typed) if owner is None else owner[0].id
    first = owner or claimant
    first_id = None if first is None else first[0].id
    known = known_devices.find_known(work, arrival.device, first_id)
    attempt = begin_attempt(work, subject, known, is_solved=is_solved)
    proven = None
    # What a directory decides alone is not checked here. Otherwise it is asked if no password here is right.
    if directory is None or not directory.is_only:
        proven = _prove_here(work, owner, claimant, password=password, attempt=attempt)
    if proven is None and directory is not None and address is not None:
        proven = _prove_at_directory(work, arrival, directory, address, owner, password=password, attempt=attempt)
    elif proven is None:
        attempt.fail(work)
        record(work, Event.SIGN_IN_FAILED, user_id=first_id, client_id=arrival.client_id)
    if proven is None:
        raise WrongPassword
    return _finish(work, arrival, proven, password)


def _find_directory(work: UnitOfWork, address: Address | None, owner: Holder | None) -> DirectoryUser | None:
    """Return the user of a directory who may have been typed: the one that the owner of the address is linked to, or
    the one with this address. None where no directory is asked.

    Raises OnlyElsewhere if users with this address may sign in only with an upstream that is not this directory.
    """
    at_domain = find_directory_at(work, address)
    found = find_directory_user(work, owner and owner[0].id) or at_domain
    if found is None or at_domain is None or found.directory.key != at_domain.directory.key:
        require_own(work, address)
    return found


def _prove_here(
    work: UnitOfWork, owner: Holder | None, claimant: Holder | None, *, password: str, attempt: Attempt
) -> _Proven | None:
    """Check the stored passwords: the one of the owner of the address, then that of a claim to it.

    Two checks for whatever is wrong or only claimed: a sign-up with a taken address must look like any (decision 41).
    """
    for one in (owner, claimant):
        if passwords.is_password_of(work, one and one[0].id, password) and one is not None:
            user, address = one
            # A claim's password takes back no failure: they may be guesses at the owner's.
            return _Proven(user, address, user.security_stamp, attempt if one is owner else None)
    return None


def _prove_at_directory(
    work: UnitOfWork,
    arrival: Arrival,
    directory: DirectoryUser,
    address: Address,
    owner: Holder | None,
    *,
    password: str,
    attempt: Attempt,
) -> _Proven | None:
    """Ask the directory. Records a failure. Raises DeniedByDirectory, UnknownInDirectory or Unavailable."""
    held = None if owner is None else owner[0]
    found = find_user(work, directory, address, password, attempt=attempt, held=held, client_id=arrival.client_id)
    if found is None:
        return None
    user, security_stamp = found
    own = attempt if held is None or held.id == user.id else None
    return _Proven(user, email_addresses.find_of_user(work.read, user.id), security_stamp, own, by_directory=True)


def _finish(work: UnitOfWork, arrival: Arrival, proven: _Proven, password: str) -> SignIn:
    """Begin the session, if the account may sign in."""
    user, attempt = proven.user, proven.attempt
    if proven.by_directory:
        require_active(work, arrival, user, proven.address, attempt, by_upstream=True)
        stronger = None
    else:
        require_active(work, arrival, user, proven.address, attempt, password_at=work.now)
        stronger = passwords.stronger_hash(work, user.id, password)
    if attempt is not None:
        attempt.succeed(work)
    if stronger is not None:
        password_hashes.upgrade(work.db, user.id, old=stronger[0], new=stronger[1])
    return begin_after_first_factor(work, arrival, user.id, proven.security_stamp, factor=PASSWORD)


def sign_in_after_sign_up(work: UnitOfWork, arrival: Arrival, *, user_id: str) -> SignIn:
    """Begin the first session of an account that was just created, with the password that the user chose."""
    return begin_session(work, arrival, user_id, FIRST, factor=PASSWORD, step=Step.DONE)


@SIGN_INS.count_refusals("password")
def sign_in_after_confirmation(work: UnitOfWork, arrival: Arrival, *, user_id: str, password_at: datetime) -> SignIn:
    """Begin a session for a user who just confirmed an address in the browser in which they typed the password.

    The code or link shows who reads the mailbox, which is no factor (NIST SP 800-63B section 3.1.3.1). So the session
    has the password as its only one, from when it was typed. A second factor is due, also on a device that may skip it
    after a password. Raises Suspended, DeletionPending or AddressUnconfirmed.
    """
    user = users.find(work.db, user_id)
    if user is None:
        raise Suspended
    require_own(work, email_addresses.find_of_user(work.read, user.id))
    require_active(work, arrival, user, None)
    step, _ = step_after_first_factor(work, user.id)
    return begin_session(work, arrival, user.id, user.security_stamp, factor=PASSWORD, step=step, auth_time=password_at)
