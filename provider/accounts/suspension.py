"""Suspending and restoring accounts. The access that a suspension ends does not come back afterwards.

Sessions end. Tokens are not revoked one by one: the account is no longer active and its security stamp changes, and
`oauth.tokens.access_tokens.inactive_reason` compares both with the grant at each use.
"""

from provider.accounts.access import Cause, end_access
from provider.accounts.notices import notify
from provider.accounts.store import email_addresses, users
from provider.accounts.store.email_addresses import EmailAddress
from provider.accounts.store.users import Status
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.mail import messages
from provider.work import UnitOfWork

LONGEST_REASON = 200


def suspend(work: UnitOfWork, *, user_id: str, reason: str | None) -> None:
    """Suspend the account until it is restored. Does nothing if it is suspended already. Raises NoSuchUser."""
    user = users.find(work.read, user_id)
    if user is None:
        raise NoSuchUser
    if not users.suspend(work.db, user_id, reason=reason, now=work.now):
        return
    end_access(work, user_id=user_id, cause=Cause.SUSPENDED)
    before, after = {"status": user.status}, {"status": Status.SUSPENDED}
    record(work, Event.ACCOUNT_SUSPENDED, user_id=user_id, reason=reason, before=before, after=after)
    if user.status == Status.ACTIVE:  # an address nobody proved may be a stranger's
        notify(work, user_id, messages.account_suspended)


def restore(work: UnitOfWork, *, user_id: str) -> None:
    """Restore a suspended account, so that the user can sign in again. Access that ended stays ended.

    Raises NoSuchUser.
    """
    if users.find(work.read, user_id) is None:
        raise NoSuchUser
    address = email_addresses.find_of_user(work.read, user_id)
    status = Status.ACTIVE if address is not None and _may_sign_in_with(work, address) else Status.INACTIVE
    if users.restore(work.db, user_id, status=status, now=work.now):
        end_access(work, user_id=user_id, cause=Cause.REOPENED)
        before, after = {"status": Status.SUSPENDED}, {"status": status}
        record(work, Event.ACCOUNT_RESTORED, user_id=user_id, before=before, after=after)
        if status is Status.ACTIVE:
            notify(work, user_id, messages.account_restored)


def _may_sign_in_with(work: UnitOfWork, address: EmailAddress) -> bool:
    """Return whether the address is verified, or need not be and belongs to no other user."""
    if address.verified_at is not None or work.settings.has("email-verification"):
        return address.verified_at is not None
    return email_addresses.find_owner_and_claimant(work.db, address.normal)[0] is None
