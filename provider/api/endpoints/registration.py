"""Registration of an account. It follows the rules of the sign-up page, and does not reveal whether an address has an
account, unless addresses are not verified.
"""

from pydantic import Field

from provider.accounts.email.verification_emails import seal_ticket
from provider.accounts.registration import AddressTaken
from provider.api.bodies import Body, InvalidBody
from provider.api.operation import by_client
from provider.languages.text import Text
from provider.login.sign_up import InvalidSignUp, read_sign_up, sign_up_in_app, sign_up_unverified
from provider.oauth.clients.clients import Client
from provider.oauth.first_party.sign_in import begin_after_sign_up
from provider.refusals import TooManyRequests
from provider.web.call import Call

NOT_AN_ADDRESS = {"member": "email", "problem": Text("Enter an email address, like name@example.com.")}


class Names(Body):
    """The claims that name the user. SIGNET_SIGN_UP_REQUIRED says which are required."""

    name: str = Field("", description="The full name. If left out, it is put together from the parts.")
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    nickname: str = ""
    preferred_username: str = Field("", description="Suggested to apps as the username. It is not unique.")


class Registration(Names):
    email: str = Field(description="The verification email is sent to this address.")
    password: str = Field(description="Checked like on the pages: length, common passwords, closeness to the address.")


class Registered(Body):
    """The result of a registration. It is the same if the address already has an account; the owner is then notified by
    email.
    """

    email: str
    ticket: str | None = Field(
        None,
        description="For verify-email; valid as long as the link in the email. Absent if addresses are not verified.",
    )
    auth_session: str | None = Field(
        None,
        description="For the authorization challenge endpoint, if addresses are not verified: the account is active. "
        "Only for clients with authorization_challenge.",
    )


@by_client(
    takes=Registration, gives=Registered, status=202, problems=(TooManyRequests, AddressTaken), hashes_passwords=True
)
def register(call: Call, client: Client, body: Registration) -> Registered:
    """Create an account and send the verification email. Without email verification the account is active immediately,
    and `address-taken` is the answer for an address that has one.
    """
    try:
        wanted = read_sign_up(
            call.settings,
            email=body.email,
            password=body.password,
            names=body.model_dump(include=set(Names.model_fields)),
        )
    except InvalidSignUp as refusal:
        raise InvalidBody([{"member": name, "problem": problem} for name, problem in refusal.errors.items()]) from None
    if not call.settings.has("email-verification"):
        user_id = sign_up_unverified(call.work, wanted)
        auth_session = begin_after_sign_up(call.work, client, user_id=user_id)
        return Registered(email=wanted.address.text, auth_session=auth_session)
    # Opened in a browser, the link in the email asks for the password (decision 5).
    ticket = sign_up_in_app(call.work, wanted, client_id=client.client_id)
    return Registered(email=wanted.address.text, ticket=seal_ticket(call.work, ticket))
