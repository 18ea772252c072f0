"""Linking identities at upstream providers to accounts, and unlinking them. Only an operator unlinks the last way to
sign in.

`federation` finds out the identity at an upstream. From then on it is a credential like a password.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial

from provider.accounts.factors.live_session import require_live
from provider.accounts.notices import notify
from provider.accounts.store import linked_identities, passwords
from provider.accounts.store.linked_identities import LinkedIdentity
from provider.accounts.upstream_tokens import ending
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import NotFound, Refusal
from provider.sessions.store import Session
from provider.work import UnitOfWork


class LinkedElsewhere(Refusal):
    code = "linked-elsewhere"
    status_code = 409
    title = Text("Already linked to another account")
    message = Text("It is already linked to another account here. Unlink it there first, or link a different one.")


class LastSignInMethod(Refusal):
    code = "last-way-in"
    title = Text("You can't unlink your only way to sign in")
    message = Text("Your account has no password, so you couldn't sign in any more. Set a password first.")


class NoSuchIdentity(NotFound):
    code = "no-such-identity"
    title = Text("Linked identity not found")
    message = Text("No identity with this ID is linked to the account.")


def link(
    work: UnitOfWork,
    *,
    user_id: str,
    issuer: str,
    subject: str,
    email: str | None,
    name: str,
    session: Session | None = None,
) -> None:
    """Link the identity to the user and notify them by email, in which the upstream is called `name`.

    The caller has checked that the user wants the link, in this session if there is one. Raises LinkedElsewhere or
    SessionEnded.
    """
    linked_identities.queue_for(work.db, issuer, subject)
    if session is not None:
        require_live(work, session)
    before = linked_identities.find(work.db, issuer, subject)
    if before is not None:
        if before.user_id != user_id:
            raise LinkedElsewhere
        return
    attach(work, user_id=user_id, issuer=issuer, subject=subject, email=email)
    notify(work, user_id, partial(messages.identity_linked, provider=name))


def attach(work: UnitOfWork, *, user_id: str, issuer: str, subject: str, email: str | None) -> None:
    """Link an identity to an account that was just created for it; no email is needed."""
    identity = LinkedIdentity(new_id(), user_id, issuer, subject, email, created_at=work.now, last_used_at=work.now)
    linked_identities.add(work.db, identity)
    record(work, Event.IDENTITY_LINKED, user_id=user_id, issuer=issuer, identity=identity.id)


def unlink(
    work: UnitOfWork, *, user_id: str, identity_id: str, name_of: Callable[[str], str], force: bool = False
) -> None:
    """Unlink the identity, so that the user can no longer sign in with it.

    `name_of` returns the upstream's name in the email for its issuer. `force` unlinks it even if no other way to sign
    in is left. Raises NoSuchIdentity, or LastSignInMethod without `force`.
    """
    held = {identity.id: identity for identity in linked_identities.lock_of_user(work.db, user_id)}
    if identity_id not in held:
        raise NoSuchIdentity
    if len(held) == 1 and passwords.find(work.db, user_id) is None and not force:
        raise LastSignInMethod
    issuer = held[identity_id].issuer
    ending.end_of_identities(work, user_id=user_id, identity_ids=[identity_id], reason="unlinked")
    linked_identities.remove(work.db, user_id, identity_id)
    record(work, Event.IDENTITY_UNLINKED, user_id=user_id, issuer=issuer, identity=identity_id)
    notify(work, user_id, partial(messages.identity_unlinked, provider=name_of(issuer)))


def unlink_all(work: UnitOfWork, *, user_id: str, reason: str, but: AbstractSet[str] = frozenset()) -> None:
    """Unlink every identity except those in `but`, because an attacker may have linked one of them.

    The user needs another way to sign in: the email that is sent with this.
    """
    ending.end_of_user(work, user_id=user_id, reason=reason)
    count = linked_identities.remove_all(work.db, user_id, but=but)
    if count:
        record(work, Event.IDENTITY_UNLINKED, user_id=user_id, reason=reason, count=count)
