"""Single-use links of an account: created for an operator to pass on, and used by a program that received one."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from provider.accounts.email import email_addresses as addresses
from provider.accounts.email.email_addresses import AlreadyConfirmed, InvalidLink
from provider.accounts.operator_links import issue_by_operator
from provider.accounts.roles.permissions import Permission
from provider.accounts.store.links import Purpose
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.mail.rendering import link_to
from provider.web.call import Call

PAGES = {"verify": "/verify-email/confirm", "reset": "/reset-password"}


class LinkRequest(Body):
    """The link to create."""

    purpose: Literal["verify", "reset"] = Field(
        description="`verify` to confirm the email address, `reset` to set a password."
    )


class NewLink(Body):
    """A single-use link. Anyone who has it can take over the account."""

    url: str = Field(description="The link to share with the user. It works once.")
    token: str = Field(description="The token in the link. It is shown only in this response.")
    expires_at: datetime = Field(description="When the link expires.")


class Token(Body):
    """The token of a verification link."""

    token: str = Field(description="The `token` parameter of the link.")


@by_operator(needs=Permission.USERS_WRITE, takes=LinkRequest, gives=NewLink, status=201, problems=(NoSuchUser,))
def issue(call: Call, _operator: Operator, body: LinkRequest) -> NewLink:
    """Create a single-use link for a user. It is not emailed: share it securely. Earlier links for the same purpose
    stop working.
    """
    link = issue_by_operator(call.work, user_id=user_id_of(call), purpose=Purpose(body.purpose))
    url = link_to(call.settings, PAGES[body.purpose], token=link.token)
    return NewLink(url=url, token=link.token, expires_at=link.expires_at)


@by_operator(needs=Permission.USERS_WRITE, takes=Token, problems=(InvalidLink, AlreadyConfirmed))
def use(call: Call, _operator: Operator, body: Token) -> None:
    """Use a verification link. This confirms the email address it was created for."""
    addresses.confirm_by_token(call.work, token=body.token)
