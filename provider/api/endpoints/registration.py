"""Registration of an account. It follows the rules of the sign-up page, and does not reveal whether an address has an
account.
"""

from pydantic import Field

from provider.accounts.email.email_addresses import parse_address, problem_of_address
from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.passwords.passwords import problem_of
from provider.accounts.registration import clean_name, sign_up
from provider.api.bodies import Body, InvalidBody
from provider.api.operation import by_client
from provider.crypto.digests import new_opaque
from provider.languages.free_text import InvalidText
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.ratelimits import LIMITS, hit, of_network
from provider.refusals import TooManyRequests
from provider.web.call import Call

NOT_AN_ADDRESS = {"member": "email", "problem": Text("Enter an email address, like name@example.com.")}


class Registration(Body):
    email: str = Field(description="Where the verification letter goes.")
    password: str = Field(description="Checked like on the pages: length, common passwords, closeness to the address.")
    name: str = Field("", description="What to call the person.")


class Registered(Body):
    """The result of a registration. It is the same if the address already has an account; the owner is then notified by
    email.
    """

    email: str
    ticket: str | None = Field(
        None,
        description="For verify-email; works while the letter does. Absent when this installation sends no letters.",
    )


@by_client(takes=Registration, gives=Registered, status=202, problems=(TooManyRequests,), hashes_passwords=True)
def register(call: Call, _client: Client, body: Registration) -> Registered:
    """Create an account and send the verification email."""
    address, name = parse_address(body.email), ""
    problem = problem_of_address(call.settings, address)
    errors = [] if problem is None else [NOT_AN_ADDRESS if address is None else {"member": "email", "problem": problem}]
    try:
        name = clean_name(body.name)
    except InvalidText as invalid:
        errors.append({"member": "name", "problem": invalid.problem})
    about = (address.normal if address else "", name)
    if (problem := problem_of(call.settings, body.password, about=about)) is not None:
        errors.append({"member": "password", "problem": problem})
    if address is None or errors:
        raise InvalidBody(errors)
    hit(call.work, LIMITS.sign_up, key=of_network(call.work, "sign-up"))
    # No browser has this value: opened in a browser, the link of the letter asks for the password (decision 5).
    ticket = sign_up(call.work, address=address, password=body.password, name=name, browser=new_opaque(), carry={})
    has_letters = call.settings.has("email-verification")
    return Registered(email=address.text, ticket=seal_ticket(call.work, ticket) if has_letters else None)
