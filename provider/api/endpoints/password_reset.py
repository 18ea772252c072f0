"""Password reset in three steps: request an email (the response is always the same), check the link, choose a new
password.
"""

from pydantic import Field

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import password_reset
from provider.accounts.passwords.password_reset import InvalidPassword, InvalidResetLink, ResetLinkUsed
from provider.api.bodies import Body, InvalidBody
from provider.api.endpoints.registration import NOT_AN_ADDRESS
from provider.api.operation import by_client
from provider.oauth.clients.clients import Client
from provider.web.call import Call


class Forgotten(Body):
    """A request for a password reset email."""

    email: str = Field(description="The email address of the account.")


class Link(Body):
    """The token of a link in an email."""

    token: str = Field(description="The `token` parameter of the link.")


class OpenLink(Body):
    """A link that is still valid."""

    email: str = Field(description="The address the email was sent to.")


class Reset(Body):
    """The token of a reset link and the new password."""

    token: str = Field(description="The `token` parameter of the link.")
    password: str = Field(
        description="The new password. Short and common passwords are rejected, and those similar to the user's name."
    )


@by_client(takes=Forgotten, status=202)
def forgot_password(call: Call, _client: Client, body: Forgotten) -> None:
    """Send a password reset email. The response is the same if the address has no account."""
    address = parse_address(body.email)
    if address is None:
        raise InvalidBody([NOT_AN_ADDRESS])
    password_reset.request_reset(call.work, address=address, carry={})


@by_client(takes=Link, gives=OpenLink, problems=(InvalidResetLink, ResetLinkUsed))
def check_link(call: Call, _client: Client, body: Link) -> OpenLink:
    """Check a password reset link. Checking does not use it up."""
    link = password_reset.require_open_link(call.work, body.token)
    address = password_reset.address_of(call.work, link)
    if address is None:
        raise InvalidResetLink
    return OpenLink(email=address.address)


@by_client(takes=Reset, problems=(InvalidResetLink, ResetLinkUsed, InvalidPassword), hashes_passwords=True)
def reset_password(call: Call, _client: Client, body: Reset) -> None:
    """Reset the password. This takes the token of a reset link. All sessions, tokens and other links end. Two-factor
    authentication stays on. The user is not signed in.
    """
    password_reset.reset_password(call.work, token=body.token, password=body.password)
