"""The actions that give a user another email address."""

from collections.abc import Iterator
from contextlib import contextmanager

from provider.accounts.email import operator_changes
from provider.accounts.email.email_change import SameAddress
from provider.accounts.email.new_addresses import AddressTaken, NotAnAddress
from provider.accounts.store import email_addresses, users
from provider.accounts.users import NoSuchUser
from provider.admin.pages.actions import (
    Action,
    Actions,
    Edit,
    Input,
    InvalidInput,
    Subject,
    require_version_seen,
)
from provider.admin.pages.conflicts import Record
from provider.admin.pages.users.details import UserDetails
from provider.audit.events import Event
from provider.languages.text import Text
from provider.web.call import Call


def _shown(person: UserDetails) -> str:
    return person.email or ""


def _require_address_seen(call: Call, user_id: str) -> None:
    current = email_addresses.find_of_user(call.work.db, user_id) if users.lock(call.work.db, user_id) else None
    if current is None:
        raise NoSuchUser
    require_version_seen(call, current.address)


def _set_address(call: Call, subject: Subject[UserDetails]) -> None:
    user_id = subject.value.user.id
    _require_address_seen(call, user_id)
    with _at_field():
        operator_changes.set_address(call.work, user_id=user_id, email=call.form.text("email"))


def _request_address(call: Call, subject: Subject[UserDetails]) -> None:
    _require_address_seen(call, subject.value.user.id)  # an address that was never verified is replaced
    with _at_field():
        operator_changes.request_change(call.work, user_id=subject.value.user.id, email=call.form.text("email"))


@contextmanager
def _at_field() -> Iterator[None]:
    """Show what is wrong with the address beside its field."""
    try:
        yield
    except (NotAnAddress, AddressTaken, SameAddress) as refusal:
        raise InvalidInput("email", refusal.message) from None


EDIT: Edit[UserDetails] = Edit(_shown, lambda person: Record(Event.EMAIL_CHANGED, user_id=person.user.id))
ADDRESS_ACTIONS: Actions[UserDetails] = {
    "email": Action(
        title=Text("Change email address"),
        button=Text("Change address"),
        means=(
            Text("The new address is treated as verified. The user isn't asked to confirm it."),
            Text("The user signs in with it from now on. Links sent to the previous address stop working."),
            Text("The previous address is notified, if it was verified. The user can't undo the change from there."),
        ),
        done=Text("Email address changed."),
        do=_set_address,
        inputs=(Input("email", Text("Email address"), shown=_shown),),
        edits=EDIT,
        danger=True,
    ),
    "send-email-change": Action(
        title=Text("Request email change"),
        button=Text("Send email"),
        means=(
            Text("The new address gets a link. The user opens it and signs in to confirm the address."),
            Text("Until then the current address stays. It is notified, unless it was never verified."),
            Text("An address that was never verified is replaced now, and the new one gets the verification email."),
        ),
        done=Text("Email queued for delivery."),
        do=_request_address,
        inputs=(Input("email", Text("New email address")),),
        edits=EDIT,
        is_available=lambda person: person.may_confirm_address,
    ),
}
