"""Account recovery for users: email a link, or reset two-factor authentication. An operator never chooses a user's
password here.
"""

from typing import Literal

from pydantic import Field

from provider.accounts import invitation
from provider.accounts.email import operator_emails as letters
from provider.accounts.email.email_addresses import AlreadyConfirmed
from provider.accounts.email.operator_emails import NotNow
from provider.accounts.factors import removal
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.invitation import HasPassword
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import USER, user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.web.call import Call


class LetterRequest(Body):
    purpose: Literal["verify", "reset", "invite"] = Field(
        description="To confirm the address; to choose another password; to choose the first one."
    )


SENDERS = {"verify": letters.send_verification_again, "reset": letters.send_reset, "invite": invitation.send}


@by_operator(takes=LetterRequest, status=202, problems=(NoSuchUser, AlreadyConfirmed, NotNow, HasPassword))
def send_letter(call: Call, _operator: Operator, body: LetterRequest) -> None:
    """Email a user a single-use link. Earlier links for the same purpose stop working."""
    SENDERS[body.purpose](call.work, user_id=user_id_of(call))


@by_operator(of=USER, problems=(NoSuchUser, NotTurnedOn))
def reset_two_factor(call: Call, _operator: Operator, _body: Body) -> None:
    """Reset a user's two-factor authentication, for someone who lost their device and recovery codes. All sessions,
    tokens and links of the user end, and they are notified by email.
    """
    removal.reset(call.work, user_id=user_id_of(call))
