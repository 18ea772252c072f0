"""Password reset in three steps: request an email (the response is always the same), check the link, choose a new
password.
"""

from pydantic import Field

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import password_reset
from provider.accounts.passwords.password_reset import InvalidPassword, ResetLinkDead, ResetLinkUsed
from provider.api.bodies import Body, InvalidBody
from provider.api.endpoints.registration import NOT_AN_ADDRESS
from provider.api.operation import by_client
from provider.oauth.clients.clients import Client
from provider.web.call import Call


class Forgotten(Body):
    email: str


class Link(Body):
    token: str = Field(description="Of the link in the letter.")


class OpenLink(Body):
    email: str = Field(description="The address the letter went to.")


class Reset(Body):
    token: str = Field(description="Of the link in the letter.")
    password: str = Field(description="The new one.")


@by_client(takes=Forgotten, status=202)
def forgot_password(call: Call, _client: Client, body: Forgotten) -> None:
    """Send a password reset email, if the address has an account. The response is the same if it has none."""
    address = parse_address(body.email)
    if address is None:
        raise InvalidBody([NOT_AN_ADDRESS])
    password_reset.request_reset(call.work, address=address, carry={})


@by_client(takes=Link, gives=OpenLink, problems=(ResetLinkDead, ResetLinkUsed))
def check_link(call: Call, _client: Client, body: Link) -> OpenLink:
    """Check whether a password reset link is still valid. The link is not used up."""
    link = password_reset.require_open_link(call.work, body.token)
    address = password_reset.address_of(call.work, link)
    if address is None:
        raise ResetLinkDead
    return OpenLink(email=address.address)


@by_client(takes=Reset, problems=(ResetLinkDead, ResetLinkUsed, InvalidPassword), hashes_passwords=True)
def reset_password(call: Call, _client: Client, body: Reset) -> None:
    """Reset the password with the token of a reset link. All sessions, tokens and other links end; two-factor
    authentication stays on; the user is not signed in.
    """
    password_reset.reset_password(call.work, token=body.token, password=body.password)
