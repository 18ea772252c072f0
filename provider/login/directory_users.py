"""The step of a sign-in at which a directory checks the password (LDAP, Active Directory)."""

from datetime import datetime

from provider.accounts.attempts import Attempt
from provider.accounts.email.email_addresses import Address
from provider.accounts.passwords.directories import DirectoryDenied, DirectoryUser
from provider.accounts.store.users import User
from provider.audit.events import Event
from provider.audit.log import record
from provider.login.active import DeniedByDirectory, UnknownInDirectory
from provider.refusals import Unavailable
from provider.work import UnitOfWork


def find_user(
    work: UnitOfWork,
    theirs: DirectoryUser,
    address: Address,
    password: str,
    *,
    attempt: Attempt,
    held: User | None,
    client_id: str | None,
) -> tuple[User, datetime] | None:
    """Return the user whose password the directory found right, and the security stamp from before. None for a wrong
    password.

    `held` owns the address that was typed. Raises DeniedByDirectory or UnknownInDirectory after the right password, and
    Unavailable, after which the attempt does not count.
    """
    user_id, key = None if held is None else held.id, theirs.directory.key
    # Someone else's failures stay: this is not the password of the account that has the address.
    counts_here = held is None or theirs.subject is not None
    try:
        found = theirs.check(work, password, email=address.normal)
    except Unavailable:
        attempt.undo(work)
        raise
    except DirectoryDenied as denied:
        if counts_here:
            attempt.succeed_aside(work)
        _failed(work, user_id, client_id, key, reason=denied.reason)
        raise DeniedByDirectory(denied) from None
    if found is None:
        attempt.fail(work)
        _failed(work, user_id, client_id, key)
        return None
    user: User | None = theirs.directory.find_user(work, found)
    if user is None:
        if counts_here:
            attempt.succeed(work)
        _failed(work, user_id, client_id, key, reason="unknown_user")
        raise UnknownInDirectory(theirs.directory.name)
    is_own = held is not None and held.id == user.id
    return user, held.security_stamp if held is not None and is_own else user.security_stamp


def _failed(work: UnitOfWork, user_id: str | None, client_id: str | None, key: str, *, reason: str = "") -> None:
    if reason:
        record(work, Event.SIGN_IN_FAILED, user_id=user_id, client_id=client_id, upstream=key, reason=reason)
    else:
        record(work, Event.SIGN_IN_FAILED, user_id=user_id, client_id=client_id, upstream=key)
