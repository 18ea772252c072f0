"""The user's email address: show it, or change it. A new address takes effect when it is confirmed with the code
emailed to it.
"""

from pydantic import Field

from provider.accounts.email import email_change
from provider.accounts.email.email_addresses import WrongCode, parse_address, problem_of_own_address
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
    """Get the email address, and the pending one if a change was requested."""
    return Email(email=bearer.person.email, pending=email_change.find_pending(call.work, bearer.user_id))


@by_person(takes=EmailChange, status=202, problems=(ConfirmationNeeded, SecondFactorNeeded, SameAddress))
def request_change(call: Call, bearer: Bearer, body: EmailChange) -> None:
    """Request a change of the email address. A code and a link are emailed to the new address, a notice to the current
    one, which stays until the new one is confirmed. The response is the same if the new address is taken or the
    limit was reached.
    """
    session = require_confirmed(call.work, bearer)
    address = parse_address(body.email)
    if address is None:
        raise InvalidBody([NOT_AN_ADDRESS])
    if (problem := problem_of_own_address(call.settings, address)) is not None:
        raise InvalidBody([{"member": "email", "problem": problem}])
    email_change.request_change(call.work, session, address=address)


@by_person(takes=EmailCode, problems=(WrongCode, TooManyRequests))
def confirm_change(call: Call, bearer: Bearer, body: EmailCode) -> None:
    """Confirm the new email address with the code from the email. The previous address is emailed a link that undoes
    the change.
    """
    email_change.confirm_by_code(call.work, user_id=bearer.user_id, code=body.code)


@by_person()
def cancel_change(call: Call, bearer: Bearer, _body: Body) -> None:
    """Cancel a pending change of the email address. Its code and link stop working; it is not an error if none is
    pending.
    """
    email_change.cancel(call.work, user_id=bearer.user_id)
