"""Email verification: confirm an address with the code from the email, or request another email."""

from pydantic import Field

from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import (
    AlreadyConfirmed,
    InvalidLink,
    LinkState,
    WrongCode,
    WrongSignUpPassword,
)
from provider.accounts.email.verification_emails import Ticket, open_ticket, resend
from provider.api.bodies import Body, InvalidBody
from provider.api.endpoints.password_reset import Link, OpenLink
from provider.api.operation import by_client
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.refusals import Refusal, TooManyRequests
from provider.web.call import Call

TICKET = "The ticket from the registration, or from a sign-in that was rejected because the address is unverified."
INCOMPLETE = Text("Send ticket and code, or token with ticket or password.")


class TicketExpired(Refusal):
    code = "ticket-over"
    status_code = 410
    title = Text("Ticket expired")
    message = Text("This ticket is invalid or has expired. Register or sign in again to get a new one.")


class VerificationRequest(Body):
    """A request for another verification email."""

    ticket: str = Field(description=TICKET)


class Confirmation(Body):
    """The code with the ticket, or the token of the link with the ticket or the password."""

    ticket: str | None = Field(None, description=TICKET)
    code: str | None = Field(None, description="The 6-digit code from the latest email. Spaces are ignored.")
    token: str | None = Field(
        None, description="The token from the link in the email, which leads to the client's `verify_uri`."
    )
    password: str | None = Field(
        None, description="The password chosen at registration. Needed with `token` if the app has no ticket."
    )


@by_client(takes=VerificationRequest, status=202, problems=(TicketExpired,))
def request_email(call: Call, _client: Client, body: VerificationRequest) -> None:
    """Resend the verification email. The response is the same if the limit was reached and no email is sent."""
    resend(call.work, _open(call, body.ticket), browser=None, carry={})


@by_client(takes=Link, gives=OpenLink, problems=(InvalidLink, AlreadyConfirmed))
def check_verify_link(call: Call, _client: Client, body: Link) -> OpenLink:
    """Check a verification link. Checking does not use it up."""
    state, address = email_addresses.look_at_link(call.work, body.token, browser=None)
    if state is LinkState.CONFIRMED:
        raise AlreadyConfirmed
    if state is LinkState.DEAD or address is None:
        raise InvalidLink
    return OpenLink(email=address.address)


@by_client(
    takes=Confirmation,
    problems=(TicketExpired, WrongCode, InvalidLink, WrongSignUpPassword, AlreadyConfirmed, TooManyRequests),
    hashes_passwords=True,
)
def confirm_address(call: Call, _client: Client, body: Confirmation) -> None:
    """Confirm the email address. This takes the code or the link from the email and activates the account. The user is
    not signed in.
    """
    ticket = None if body.ticket is None else _open(call, body.ticket)
    if body.token is not None and (ticket is not None or body.password is not None):
        signed_up, password = None if ticket is None else ticket.address_id, body.password or ""
        email_addresses.confirm_by_link(
            call.work, token=body.token, browser=None, password=password, signed_up=signed_up
        )
    elif ticket is not None and body.code is not None:
        email_addresses.confirm_by_code(call.work, address_id=ticket.address_id, code=body.code, in_app=True)
    else:
        raise InvalidBody([{"member": "ticket", "problem": INCOMPLETE}])


def _open(call: Call, text: str) -> Ticket:
    ticket = open_ticket(call.work, text)
    if ticket is None:
        raise TicketExpired
    return ticket
