"""The person's email address: which one it is, and another one, proven by the code of a letter before it counts."""

from pydantic import Field

from provider.accounts.email import email_change
from provider.accounts.email.email_addresses import WrongCode, parse_address
from provider.accounts.email.email_change import SameAddress
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Bearer
from provider.api.confirmation import require_confirmed
from provider.api.endpoints.registration import NOT_AN_ADDRESS
from provider.api.operation import by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.refusals import TooManyRequests
from provider.web.call import Call


class Email(Body):
    email: str | None = Field(None, description="The address that counts.")
    pending: str | None = Field(None, description="The one that waits to be confirmed, while its letter is good.")


class EmailChange(Body):
    email: str = Field(description="The new one.")


class EmailCode(Body):
    code: str = Field(description="The six digits of the letter to the new address; spaces do not matter.")


@by_person(gives=Email)
def show_email(call: Call, bearer: Bearer, _body: Body) -> Email:
    """The address, and the one that is to take its place."""
    return Email(email=bearer.person.email, pending=email_change.find_pending(call.work, bearer.user_id))


@by_person(takes=EmailChange, status=202, problems=(ConfirmationNeeded, SecondFactorNeeded, SameAddress))
def request_change(call: Call, bearer: Bearer, body: EmailChange) -> None:
    """Send a code and a link to the new address, and a notice to the old one, which stays until the new one is proven.
    Whether it belongs to somebody else, and whether there were enough letters already, is not told.
    """
    session = require_confirmed(call.work, bearer)
    address = parse_address(body.email)
    if address is None:
        raise InvalidBody([NOT_AN_ADDRESS])
    email_change.request_change(call.work, session, address=address)


@by_person(takes=EmailCode, problems=(WrongCode, TooManyRequests))
def confirm_change(call: Call, bearer: Bearer, body: EmailCode) -> None:
    """Change the address, by the code of the letter. The old address gets a link that undoes it."""
    email_change.confirm_by_code(call.work, user_id=bearer.user_id, code=body.code)


@by_person()
def cancel_change(call: Call, bearer: Bearer, _body: Body) -> None:
    """Think better of it: the code and the link of the letter are dead. Nothing pending is no problem."""
    email_change.cancel(call.work, user_id=bearer.user_id)
