"""A user's email address: show it, ask the user to confirm another one, or cancel that. PATCH on the user changes it on
the operator's word.
"""

from pydantic import Field

from provider.accounts import overview
from provider.accounts.email import email_change, operator_changes
from provider.accounts.email.email_change import SameAddress
from provider.accounts.email.new_addresses import AddressTaken, NotAnAddress
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import users
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.refusals import NotFound
from provider.web.call import Call


class NoPendingChange(NotFound):
    code = "no-pending-change"
    title = Text("No pending change")
    message = Text("This user has no email change waiting to be confirmed.")


class UserEmail(Body):
    """A user's email address."""

    email: str | None = Field(None, description="The current email address.")
    email_verified: bool = Field(description="Whether the current address is verified.")
    pending: str | None = Field(None, description="The new address, until it is confirmed or the link expires.")


class UserEmailChange(Body):
    """A new email address for the user to confirm."""

    email: str = Field(description="The new email address.")


def _show(call: Call) -> UserEmail:
    one = overview.describe_one(call.work, user_id_of(call))
    pending = email_change.find_pending(call.work, one.user.id)
    return UserEmail(email=one.email, email_verified=one.is_confirmed, pending=pending)


EMAIL = Resource(lambda call: users.lock(call.work.db, user_id_of(call)), _show)


@by_operator(needs=Permission.USERS_READ, of=EMAIL, gives=UserEmail, problems=(NoSuchUser,))
def show_email(call: Call, _operator: Operator, _body: Body) -> UserEmail:
    """Get a user's email address. If a change is pending, the response has the new address too."""
    return _show(call)


@by_operator(
    needs=Permission.USERS_WRITE,
    of=EMAIL,
    takes=UserEmailChange,
    status=202,
    problems=(NoSuchUser, NotAnAddress, SameAddress, AddressTaken, NotNow),
)
def request_change(call: Call, _operator: Operator, body: UserEmailChange) -> None:
    """Request an email change. The new address is emailed a link, with which the user confirms it after signing in. The
    current address is notified and stays until then. If the account was never activated, its address is replaced
    immediately and the new one gets the verification email.
    """
    operator_changes.request_change(call.work, user_id=user_id_of(call), email=body.email)


@by_operator(needs=Permission.USERS_WRITE, of=EMAIL, problems=(NoSuchUser, NoPendingChange))
def cancel_change(call: Call, _operator: Operator, _body: Body) -> None:
    """Cancel a user's email change. Its code and its link stop working."""
    if not email_change.cancel(call.work, user_id=user_id_of(call)):
        raise NoPendingChange
