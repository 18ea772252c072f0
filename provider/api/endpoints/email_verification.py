"""Email verification: confirm an address with the code from the email, or request another email."""

from pydantic import Field

from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import (
    AlreadyConfirmed,
    LinkDead,
    LinkState,
    WrongCode,
    WrongSignUpPassword,
)
from provider.accounts.email.verification_emails import Ticket, open_ticket, resend
from provider.api.bodies import Body, InvalidBody
from provider.api.endpoints.password_reset import Link, OpenLink
from provider.api.operation import by_client
from provider.crypto.digests import new_opaque
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.refusals import Refusal, TooManyRequests
from provider.web.call import Call

INCOMPLETE = Text("Send ticket and code, or token with ticket or password.")


class TicketOver(Refusal):
    code = "ticket-over"
    status_code = 410
    title = Text("Ticket expired")
    message = Text("This ticket is invalid or has expired. Register or sign in again to get a new one.")


class LetterRequest(Body):
    ticket: str = Field(description="Of the registration, or of the sign-in that was refused for now.")


class Confirmation(Body):
    """Either the code and the ticket, or the token of the link with the ticket or the password."""

    ticket: str | None = Field(None, description="Of the registration, or of the sign-in that was refused for now.")
    code: str | None = Field(None, description="The six digits of the latest email; spaces do not matter.")
    token: str | None = Field(None, description="Of the link in the email, at the client's own `verify_uri`.")
    password: str | None = Field(
        None, description="The one chosen at registration, if the app that opened the link has no ticket."
    )


@by_client(takes=LetterRequest, status=202, problems=(TicketOver,))
def request_letter(call: Call, _client: Client, body: LetterRequest) -> None:
    """Send another verification email. The response is the same if the limit was reached and none is sent."""
    resend(call.work, _open(call, body.ticket), browser=new_opaque(), carry={})


@by_client(takes=Link, gives=OpenLink, problems=(LinkDead, AlreadyConfirmed))
def check_verify_link(call: Call, _client: Client, body: Link) -> OpenLink:
    """Check whether a verification link is still valid. The link is not used up."""
    state, address = email_addresses.look_at_link(call.work, body.token, browser=None)
    if state is LinkState.CONFIRMED:
        raise AlreadyConfirmed
    if state is LinkState.DEAD or address is None:
        raise LinkDead
    return OpenLink(email=address.address)


@by_client(
    takes=Confirmation,
    problems=(TicketOver, WrongCode, LinkDead, WrongSignUpPassword, AlreadyConfirmed, TooManyRequests),
    hashes_passwords=True,
)
def confirm_address(call: Call, _client: Client, body: Confirmation) -> None:
    """Confirm the email address with the code or the link in the email, which activates the account. The user is not
    signed in.
    """
    ticket = None if body.ticket is None else _open(call, body.ticket)
    if body.token is not None and (ticket is not None or body.password is not None):
        signed_up, password = None if ticket is None else ticket.address_id, body.password or ""
        email_addresses.confirm_by_link(
            call.work, token=body.token, browser=None, password=password, signed_up=signed_up
        )
    elif ticket is not None and body.code is not None:
        email_addresses.confirm_by_code(call.work, address_id=ticket.address_id, code=body.code)
    else:
        raise InvalidBody([{"member": "ticket", "problem": INCOMPLETE}])


def _open(call: Call, text: str) -> Ticket:
    ticket = open_ticket(call.work, text)
    if ticket is None:
        raise TicketOver
    return ticket
