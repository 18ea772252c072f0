"""Delete an account: everything of it ends at once, and for a while its owner may still keep it (decision 17)."""

from datetime import datetime
from functools import partial

from provider.accounts.access import Cause, end_access
from provider.accounts.notices import notify
from provider.accounts.registration import delete_user
from provider.accounts.store import users
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.work import UnitOfWork

TICKET = "keep-account"


class NotLeaving(Refusal):
    code = "not-leaving"
    title = Text("Nothing to keep")
    message = Text("This page is too old, or the account was kept before. Sign in to see.")


def request_deletion(work: UnitOfWork, *, user_id: str) -> None:
    """Close the account now; `purge` deletes it after the grace. Does nothing unless the account is active."""
    delete_after = work.now + work.settings.deletion_grace
    if not users.leave(work.db, user_id, delete_after=delete_after, now=work.now):
        return  # asked for in another tab
    end_access(work, user_id=user_id, cause=Cause.DELETION_REQUESTED)
    record(work, Event.DELETION_REQUESTED, user_id=user_id)
    notify(work, user_id, partial(messages.deletion_requested, delete_after=delete_after))


def seal_ticket(work: UnitOfWork, user_id: str) -> str:
    """For whoever showed the password: good for keeping the account, and for nothing else."""
    return work.vault.seal({"user_id": user_id}, purpose=TICKET, now=work.now, lifetime=work.settings.recent_sign_in)


def keep(work: UnitOfWork, *, ticket: str | None) -> None:
    """Call the deletion off. Signs nobody in, so what a second factor protects stays protected."""
    value = None if not ticket else work.vault.unseal(ticket, purpose=TICKET, now=work.now)
    if value is None or not users.keep(work.db, value["user_id"], now=work.now):
        raise NotLeaving
    end_access(work, user_id=value["user_id"], cause=Cause.REOPENED)
    record(work, Event.DELETION_CANCELLED, user_id=value["user_id"])
    notify(work, value["user_id"], messages.account_kept)


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` accounts whose grace was over before; how many were."""
    due = users.find_due(work.db, before=before, limit=limit)
    for user_id in due:
        notify(work, user_id, messages.account_deleted)
        delete_user(work, user_id=user_id)
    return len(due)
