"""The user's email address: show it, or change it. A new address takes effect when it is confirmed with the code
emailed to it.
"""

from pydantic import Field

from provider.accounts.email import email_change
from provider.accounts.email.email_addresses import WrongCode, parse_address, problem_of_own_address
from provider.accounts.email.email_change import AddressManaged, SameAddress
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Bearer
from provider.api.confirmation import require_confirmed
from provider.api.endpoints.registration import NOT_AN_ADDRESS
from provider.api.operation import by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.refusals import TooManyRequests
from provider.web.call import Call


class Email(Body):
    """The user's email address."""

    email: str | None = Field(None, description="The current email address.")
    pending: str | None = Field(
        None, description="The new address, until it is confirmed or the code in its email expires."
    )


class EmailChange(Body):
    """A request to change the email address."""

    email: str = Field(description="The new email address.")


class EmailCode(Body):
    """The code that confirms a new email address."""

    code: str = Field(description="The 6-digit code from the email to the new address. Spaces are ignored.")


@by_person(gives=Email)
def show_email(call: Call, bearer: Bearer, _body: Body) -> Email:
    """Get the email address. If a change was requested, the response has the new address too."""
    return Email(email=bearer.person.email, pending=email_change.find_pending(call.work, bearer.user_id))


@by_person(
    takes=EmailChange, status=202, problems=(ConfirmationNeeded, SecondFactorNeeded, SameAddress, AddressManaged)
)
def request_change(call: Call, bearer: Bearer, body: EmailChange) -> None:
    """Request an email change. A code and a link are emailed to the new address, and a notice to the current one. The
    current address stays until the new one is confirmed. The response is the same if the new address is taken or the
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
    """Confirm an email change. The previous address is emailed a link to undo the change."""
    email_change.confirm_by_code(call.work, user_id=bearer.user_id, code=body.code)


@by_person()
def cancel_change(call: Call, bearer: Bearer, _body: Body) -> None:
    """Cancel an email change. Its code and link stop working. If no change is pending, nothing happens."""
    email_change.cancel(call.work, user_id=bearer.user_id)
