"""A user's email address: show it, ask the user to confirm another one, or cancel that. PATCH on the user changes it on
the operator's word.
"""

from pydantic import Field

from provider.accounts import overview
from provider.accounts.email import email_change, operator_changes
from provider.accounts.email.email_change import SameAddress
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.registration import AddressTaken, NotAnAddress
from provider.accounts.store import users
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import user_id_of
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
    email: str | None = Field(None, description="The current address.")
    email_verified: bool
    pending: str | None = Field(None, description="The new address, until it is confirmed or its email has expired.")


class UserEmailChange(Body):
    email: str = Field(description="The new address. The user confirms it.")


def _show(call: Call) -> UserEmail:
    one = overview.describe_one(call.work, user_id_of(call))
    pending = email_change.find_pending(call.work, one.user.id)
    return UserEmail(email=one.email, email_verified=one.is_confirmed, pending=pending)


EMAIL = Resource(lambda call: users.lock(call.work.db, user_id_of(call)), _show)


@by_operator(reads=True, of=EMAIL, gives=UserEmail, problems=(NoSuchUser,))
def show_email(call: Call, _operator: Operator, _body: Body) -> UserEmail:
    """Get a user's email address, and the pending one if a change waits to be confirmed."""
    return _show(call)


@by_operator(
    of=EMAIL, takes=UserEmailChange, status=202, problems=(NoSuchUser, NotAnAddress, SameAddress, AddressTaken, NotNow)
)
def request_change(call: Call, _operator: Operator, body: UserEmailChange) -> None:
    """Email a new address a link, with which the user confirms it after signing in. The current address is notified and
    stays until then. The unverified address of an inactive account is replaced immediately, and the verification email
    is sent to the new one.
    """
    operator_changes.request_change(call.work, user_id=user_id_of(call), email=body.email)


@by_operator(of=EMAIL, problems=(NoSuchUser, NoPendingChange))
def cancel_change(call: Call, _operator: Operator, _body: Body) -> None:
    """Cancel a pending change of a user's email address. Its code and its link stop working."""
    if not email_change.cancel(call.work, user_id=user_id_of(call)):
        raise NoPendingChange
