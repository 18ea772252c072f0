"""Email verification: confirm an address with the code from the email, or request another email."""

from pydantic import Field

from provider.accounts.email import email_addresses
from provider.accounts.email.email_addresses import AlreadyConfirmed, WrongCode
from provider.accounts.email.verification_emails import Ticket, open_ticket, resend
from provider.api.bodies import Body
from provider.api.operation import by_client
from provider.crypto.digests import new_opaque
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.refusals import Refusal, TooManyRequests
from provider.web.call import Call


class TicketOver(Refusal):
    code = "ticket-over"
    status_code = 410
    title = Text("This ticket is over")
    message = Text("It is too old, or not one of ours. Register or sign in again to get a new one.")


class LetterRequest(Body):
    ticket: str = Field(description="Of the registration, or of the sign-in that was refused for now.")


class Confirmation(Body):
    ticket: str = Field(description="Of the registration, or of the sign-in that was refused for now.")
    code: str = Field(description="The six digits of the latest letter; spaces do not matter.")


@by_client(takes=LetterRequest, status=202, problems=(TicketOver,))
def request_letter(call: Call, _client: Client, body: LetterRequest) -> None:
    """Send another verification email. The response is the same if the limit was reached and none is sent."""
    resend(call.work, _open(call, body.ticket), browser=new_opaque(), carry={})


@by_client(takes=Confirmation, problems=(TicketOver, WrongCode, AlreadyConfirmed, TooManyRequests))
def confirm_address(call: Call, _client: Client, body: Confirmation) -> None:
    """Confirm the email address, which activates the account. The user is not signed in."""
    email_addresses.confirm_by_code(call.work, address_id=_open(call, body.ticket).address_id, code=body.code)


def _open(call: Call, text: str) -> Ticket:
    ticket = open_ticket(call.work, text)
    if ticket is None:
        raise TicketOver
    return ticket
