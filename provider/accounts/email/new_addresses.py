"""The address of a new account, or a new one of an account: whether it is one, and whether another user has it."""

from provider.accounts.email.email_addresses import Address, parse_address, problem_of_address
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork


class AddressTaken(Refusal):
    """The address belongs to another user. Operators see this; a user who signs up only if no address is verified."""

    code = "address-taken"
    status_code = 409
    message = Text("This email address is already used by another account.")


class NotAnAddress(Refusal):
    code = "not-an-address"
    message = Text("Enter an email address, like name@example.com.")


def require_address(work: UnitOfWork, email: str) -> Address:
    """Parse an address that an operator gives a user. Raises NotAnAddress."""
    address = parse_address(email)
    if address is None:
        raise NotAnAddress
    if (problem := problem_of_address(work.settings, address)) is not None:
        raise NotAnAddress(problem)
    return address
