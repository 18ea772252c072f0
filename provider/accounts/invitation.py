"""Invitations: an operator creates an account, and the user sets the password by a link in an email."""

from collections.abc import Mapping, Sequence
from typing import Any

from provider.accounts.email.operator_emails import require_choice
from provider.accounts.links import issue_link
from provider.accounts.registration import create_user
from provider.accounts.store import email_addresses, passwords, users
from provider.accounts.store.links import Purpose
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.languages.text import Text
from provider.mail import messages
from provider.refusals import Refusal
from provider.work import UnitOfWork


class HasPassword(Refusal):
    code = "has-password"
    status_code = 409
    message = Text("This account already has a password.")


def invite(
    work: UnitOfWork,
    *,
    email: str,
    roles: Sequence[str] = (),
    claims: Mapping[str, Any] | None = None,
    user_id: str | None = None,
) -> str:
    """Create an account with a verified address and email an invitation. Returns the new user's id.

    Raises NotAnId, NotAnAddress, AddressTaken, IdTaken or NotNow.
    """
    require_choice(work)
    user_id = create_user(work, email=email, password=None, verified=True, roles=roles, claims=claims, user_id=user_id)
    send(work, user_id=user_id)
    return user_id


def send(work: UnitOfWork, *, user_id: str) -> None:
    """Email the invitation, for the first time or again; the link of the previous email stops working.

    Raises NoSuchUser, HasPassword, or NotNow if the user could not use the link.
    """
    user, address = users.find(work.read, user_id), email_addresses.find_of_user(work.read, user_id)
    if user is None or address is None:
        raise NoSuchUser
    if passwords.find(work.read, user_id) is not None:
        raise HasPassword
    require_choice(work, user)
    token = issue_link(work, purpose=Purpose.INVITE, address=address).token
    record(work, Event.INVITED, user_id=user_id)
    messages.invitation(work, to=address.address, token=token, language=user.language)
