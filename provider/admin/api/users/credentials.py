"""Account recovery for users: email a link, or reset two-factor authentication. An operator never chooses a user's
password here.
"""

from typing import Literal

from pydantic import Field

from provider.accounts import invitation
from provider.accounts.email import operator_emails
from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.factors import removal
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.invitation import HasPassword
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import USER, user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.web.call import Call


class EmailRequest(Body):
    """The email to send."""

    purpose: Literal["verify", "reset", "invite"] = Field(
        description="`verify` to confirm the email address, `reset` to reset the password, `invite` to set one."
    )


SENDERS = {
    "verify": operator_emails.send_verification_again,
    "reset": operator_emails.send_reset,
    "invite": invitation.send,
}


@by_operator(
    needs=Permission.USERS_WRITE,
    takes=EmailRequest,
    status=202,
    problems=(NoSuchUser, AlreadyConfirmed, NotNow, HasPassword),
)
def send_email(call: Call, _operator: Operator, body: EmailRequest) -> None:
    """Email a link to a user. The link works once. Earlier links for the same purpose stop working."""
    SENDERS[body.purpose](call.work, user_id=user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, of=USER, problems=(NoSuchUser, NotTurnedOn))
def reset_two_factor(call: Call, _operator: Operator, _body: Body) -> None:
    """Turn off a user's two-factor authentication. Use this if they lost their device and recovery codes. Verify their
    identity first. All of their sessions, tokens and links end, and they are notified by email.
    """
    removal.reset(call.work, user_id=user_id_of(call))
