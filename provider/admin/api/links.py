"""Single-use links of an account: created for an operator to pass on, and used by a program that received one."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from provider.accounts.email import email_addresses as addresses
from provider.accounts.email.email_addresses import AlreadyConfirmed, LinkDead
from provider.accounts.operator_links import issue_by_operator
from provider.accounts.store.links import Purpose
from provider.accounts.users import NoSuchUser
from provider.admin.api.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.mail.rendering import link_to
from provider.web.call import Call

PAGES = {"verify": "/verify-email/confirm", "reset": "/reset-password"}


class LinkRequest(Body):
    purpose: Literal["verify", "reset"] = Field(description="Confirm the address, or choose a password.")


class NewLink(Body):
    url: str = Field(description="For this person and nobody else; works once.")
    token: str = Field(description="The same without the page around it. Shown only now.")
    expires_at: datetime


class Token(Body):
    token: str


@by_operator(takes=LinkRequest, gives=NewLink, status=201, problems=(NoSuchUser,))
def issue(call: Call, _operator: Operator, body: LinkRequest) -> NewLink:
    """Create a single-use link for a user, without emailing it. Earlier links for the same purpose stop working."""
    link = issue_by_operator(call.work, user_id=user_id_of(call), purpose=Purpose(body.purpose))
    url = link_to(call.settings, PAGES[body.purpose], token=link.token)
    return NewLink(url=url, token=link.token, expires_at=link.expires_at)


@by_operator(takes=Token, problems=(LinkDead, AlreadyConfirmed))
def use(call: Call, _operator: Operator, body: Token) -> None:
    """Use a verification link, which confirms the email address it was created for."""
    addresses.confirm_by_token(call.work, token=body.token)
