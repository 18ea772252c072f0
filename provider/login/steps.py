"""The steps of a sign-in: which factor is asked for next.

The first factor opens a session. While another factor is due, the session can be used only to show that factor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from provider.accounts import known_devices, throttle
from provider.accounts.attempts import begin_attempt
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import passwords
from provider.accounts.passwords.directories import find_directory_at, find_directory_user
from provider.accounts.store import email_addresses, users
from provider.accounts.store import passwords as password_hashes
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.security_stamp import FIRST
from provider.languages.text import Text
from provider.login.active import Suspended, require_active, require_own
from provider.login.directory_users import find_user
from provider.login.next_factor import Step, step_after_first_factor
from provider.observability import counters
from provider.observability.metrics import SIGN_INS
from provider.refusals import Refusal
from provider.sessions.assurance import FEDERATED, ONE_TIME_CODE, PASSWORD
from provider.sessions.lifecycle import make_room, open_session, sign_in_again
from provider.sessions.store import Session
from provider.work import UnitOfWork

METHODS = {PASSWORD: "password", FEDERATED: "upstream", ONE_TIME_CODE: "email_code"}
"""The first factors by their `amr`, as metrics name them. All others are passkeys."""


class WrongPassword(Refusal):
    """The address is unknown, or the password is wrong or not set. All get the same answer in the same time."""

    code = "wrong-password"
    message = Text("Wrong email address or password.")


@dataclass(frozen=True)
class SignIn:
    """The result of a first factor. `cookie` is the new session's value, which is not stored."""

    cookie: str
    step: Step
    user_id: str
    beside: Sequence[Session]
    """The sessions of other users that stay in this browser."""
    remembered: str | None = None
    """The next value of the cookie of a remembered device, if it was one and skipped the second factor."""


@SIGN_INS.count_refusals("password")
def sign_in(
    work: UnitOfWork,
    *,
    username: str,
    password: str,
    here: Sequence[Session],
    browser: str,
    carry: Mapping[str, str],
    device: str | None = None,
    remembered: str | None = None,
    client_id: str | None = None,
    is_solved: bool = True,
    keep: bool = False,
) -> SignIn:
    """Check the email address and password, and begin a session.

    `here` are the sessions of this browser (`sessions.cookie.find_here`). Those of other users stay beside the new one,
    up to a limit. One of the same user continues under a new identifier, so that applications keep their access.
    `device` is the cookie of a browser that signed in before, and `remembered` the one with which it may skip the
    second factor; an app has none. `client_id` is the app whose request waits for the sign-in, for the audit log.
    `is_solved`: the form came with proof of work, or needs none. `keep`: the user chose to stay signed in.

    Whether the account may sign in is decided and revealed only after the right password. An unverified address opens
    nothing, and neither does the password of a claim to another user's address. Raises WrongPassword, Suspended,
    DeletionPending, AddressUnconfirmed or TooManyRequests.
    """
    address = parse_address(username)
    held, claimed = (
        (None, None) if address is None else email_addresses.find_owner_and_claimant(work.read, address.normal)
    )
    at_domain = find_directory_at(work, address)
    theirs = find_directory_user(work, held and held[0].id) or at_domain
    if theirs is None or at_domain is None or theirs.directory.key != at_domain.directory.key:
        require_own(work, address)
    if theirs is not None:
        _ = work.outbound  # from here on in a thread that may wait: before anything is counted
    # An address nobody has is counted like one somebody has: the wait must not tell them apart.
    typed = username.strip().lower() if address is None else address.normal
    subject = throttle.subject_of_unproven(work, typed) if held is None else held[0].id
    first = held or claimed
    known = known_devices.find_known(work, device, None if first is None else first[0].id)
    attempt = begin_attempt(work, subject, known, is_solved=is_solved)
    # What a directory decides alone is not checked here. Otherwise it is asked if no password here is right.
    local = () if theirs is not None and theirs.is_only else (held, claimed)
    # Two checks for whatever is wrong or only claimed: a sign-up with a taken address must look like any (decision 41).
    rivals = ((one, passwords.is_password_of(work, one and one[0].id, password)) for one in local)
    owner = next((one for one, is_right in rivals if is_right), None)
    if owner is None and theirs is not None and address is not None:
        begin = partial(begin_session, work, here=here, client_id=client_id, keep=keep)
        proven = find_user(
            work,
            theirs,
            address,
            password,
            attempt=attempt,
            held=None if held is None else held[0],
            client_id=client_id,
        )
        if proven is None:
            raise WrongPassword
        user, stamp = proven
        is_own = held is None or held[0].id == user.id
        require_active(
            work,
            user,
            email_addresses.find_of_user(work.read, user.id),
            attempt if is_own else None,
            browser=browser,
            carry=carry,
            by_upstream=True,
        )
        if is_own:
            attempt.succeed(work)
        step, fresh = step_after_first_factor(work, user.id, device=device, remembered=remembered)
        return begin(user_id=user.id, security_stamp=stamp, factor=PASSWORD, step=step, remembered=fresh)
    if owner is None:
        attempt.fail(work)
        record(work, Event.SIGN_IN_FAILED, user_id=None if first is None else first[0].id, client_id=client_id)
        raise WrongPassword
    # A claim's password takes back no failure: they may be guesses at the owner's.
    require_active(work, *owner, attempt if owner is held else None, browser=browser, carry=carry, password_at=work.now)
    user_id = owner[0].id
    stronger = passwords.stronger_hash(work, user_id, password)
    if owner is held:
        attempt.succeed(work)
    if stronger is not None:
        password_hashes.upgrade(work.db, user_id, old=stronger[0], new=stronger[1])
    step, fresh = step_after_first_factor(work, user_id, device=device, remembered=remembered)
    begin = partial(begin_session, work, user_id, owner[0].security_stamp, here, client_id=client_id, keep=keep)
    return begin(factor=PASSWORD, step=step, remembered=fresh)


def sign_in_after_sign_up(
    work: UnitOfWork, *, user_id: str, here: Sequence[Session], client_id: str | None = None, keep: bool = False
) -> SignIn:
    """Begin the first session of an account that was just created, with the password that the user chose."""
    return begin_session(work, user_id, FIRST, here, factor=PASSWORD, step=Step.DONE, client_id=client_id, keep=keep)


@SIGN_INS.count_refusals("password")
def sign_in_after_confirmation(
    work: UnitOfWork,
    *,
    user_id: str,
    password_at: datetime,
    here: Sequence[Session],
    browser: str,
    carry: Mapping[str, str],
    client_id: str | None = None,
    keep: bool = False,
) -> SignIn:
    """Begin a session for a user who just confirmed an address in the browser in which they typed the password.

    The code or link shows who reads the mailbox, which is no factor (NIST SP 800-63B section 3.1.3.1). So the session
    has the password as its only one, from when it was typed. A second factor is due as after any password. Raises
    Suspended, DeletionPending or AddressUnconfirmed.
    """
    user = users.find(work.db, user_id)
    if user is None:
        raise Suspended
    require_own(work, email_addresses.find_of_user(work.read, user.id))
    require_active(work, user, None, None, browser=browser, carry=carry)
    step, _ = step_after_first_factor(work, user.id)
    begin = partial(begin_session, work, user.id, user.security_stamp, here, client_id=client_id, keep=keep)
    return begin(factor=PASSWORD, step=step, auth_time=password_at)


@SIGN_INS.count_refusals("upstream")
def sign_in_by_upstream(
    work: UnitOfWork,
    *,
    user: User,
    here: Sequence[Session],
    browser: str,
    carry: Mapping[str, str],
    proven_at: datetime | None,
    device: str | None = None,
    remembered: str | None = None,
    client_id: str | None = None,
    keep: bool = False,
) -> SignIn:
    """Begin a session for the user of a linked upstream identity. A second factor is due as after a password.

    `proven_at` is when the user signed in there, if that was before our request. Raises Suspended, DeletionPending or
    AddressUnconfirmed.
    """
    address = email_addresses.find_of_user(work.read, user.id)
    require_active(work, user, address, None, browser=browser, carry=carry, by_upstream=True)
    step, fresh = step_after_first_factor(work, user.id, device=device, remembered=remembered)
    begin = partial(begin_session, work, user.id, user.security_stamp, here, client_id=client_id, keep=keep)
    return begin(
        factor=FEDERATED, step=step, auth_time=proven_at, proven_earlier=proven_at is not None, remembered=fresh
    )


def begin_session(
    work: UnitOfWork,
    user_id: str,
    security_stamp: datetime,
    here: Sequence[Session],
    *,
    factor: str,
    step: Step,
    auth_time: datetime | None = None,
    proven_earlier: bool = False,
    remembered: str | None = None,
    client_id: str | None = None,
    keep: bool = False,
) -> SignIn:
    """Begin a session after the first factor, under a new identifier whatever the browser sent (session fixation).

    `security_stamp` is from before the factor was checked: if access to the account ended meanwhile, the session is not
    active. `keep`: the user chose to stay signed in after closing the browser.
    """
    pending = None if step is Step.DONE else step.value
    own, beside = make_room(work, here, user_id=user_id)
    cookie = None
    if own is not None:
        cookie = sign_in_again(
            work,
            own,
            factor=factor,
            pending=pending,
            auth_time=auth_time,
            proven_earlier=proven_earlier,
            security_stamp=security_stamp,
            keep=keep,
        )
    if cookie is None:
        cookie = open_session(
            work,
            user_id=user_id,
            security_stamp=security_stamp,
            factor=factor,
            pending=pending,
            auth_time=auth_time,
            proven_earlier=proven_earlier,
            keep=keep,
        )
    if step is Step.DONE:
        users.set_last_sign_in(work.db, user_id, now=work.now)
        if remembered is None:
            record(work, Event.SIGNED_IN, user_id=user_id, client_id=client_id, amr=factor)
        else:
            skipped = "remembered_device"
            record(work, Event.SIGNED_IN, user_id=user_id, client_id=client_id, amr=factor, second_factor=skipped)
        work.after_commit.append(partial(counters.mark_active, user_id))
    outcome = "signed_in" if step is Step.DONE else "second_factor_due"
    work.after_commit.append(partial(SIGN_INS.count, METHODS.get(factor, "passkey"), outcome))
    return SignIn(cookie, step, user_id, beside, remembered)
