"""Deleting an account: all access ends immediately, and the user can cancel for a grace period (decision 17)."""

from datetime import datetime
from functools import partial

from provider.accounts.access import Cause, end_access
from provider.accounts.notices import notify
from provider.accounts.store import users
from provider.accounts.users import delete_user
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.work import UnitOfWork

TICKET = "keep-account"


class DeletionNotPending(Refusal):
    code = "not-leaving"
    title = Text("This page has expired")
    message = Text("Sign in to see whether your account is still going to be deleted.")


def request_deletion(work: UnitOfWork, *, user_id: str) -> None:
    """Deactivate the account now; `purge` deletes it after the grace period. Does nothing unless it is active."""
    delete_after = work.now + work.settings.deletion_grace
    if not users.leave(work.db, user_id, delete_after=delete_after, now=work.now):
        return  # asked for in another tab
    end_access(work, user_id=user_id, cause=Cause.DELETION_REQUESTED)
    record(work, Event.DELETION_REQUESTED, user_id=user_id)
    notify(work, user_id, partial(messages.deletion_requested, delete_after=delete_after))


def seal_ticket(work: UnitOfWork, user_id: str) -> str:
    """Return a sealed ticket that lets a user who entered the right password keep the account.

    The ticket is valid for SIGNET_RECENT_SIGN_IN and for nothing else.
    """
    return work.vault.seal({"user_id": user_id}, purpose=TICKET, now=work.now, lifetime=work.settings.recent_sign_in)


def keep(work: UnitOfWork, *, ticket: str | None) -> None:
    """Cancel the deletion. Raises DeletionNotPending.

    It does not sign the user in, so two-factor authentication stays required.
    """
    value = None if not ticket else work.vault.unseal(ticket, purpose=TICKET, now=work.now)
    if value is None or not users.keep(work.db, value["user_id"], now=work.now):
        raise DeletionNotPending
    end_access(work, user_id=value["user_id"], cause=Cause.REOPENED)
    record(work, Event.DELETION_CANCELLED, user_id=value["user_id"])
    notify(work, value["user_id"], messages.account_kept)


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` accounts whose grace period ended before `before`; return how many."""
    due = users.find_due(work.db, before=before, limit=limit)
    for user_id in due:
        notify(work, user_id, messages.account_deleted)
        delete_user(work, user_id=user_id)
    return len(due)
