"""Registration of an account. It follows the rules of the sign-up page, and does not reveal whether an address has an
account, unless addresses are not verified.
"""

from typing import Any

from pydantic import Field

from provider.accounts.email.home_realms import SignInElsewhere
from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.email.verification_emails import seal_ticket
from provider.api.bodies import Body, InvalidBody
from provider.api.operation import by_client
from provider.api.validation import MemberProblem
from provider.languages.text import Text
from provider.login.sign_up import InvalidSignUp, read_sign_up, sign_up_in_app, sign_up_unverified
from provider.oauth.clients.clients import Client
from provider.oauth.first_party.sign_in import begin_after_sign_up
from provider.refusals import TooManyRequests
from provider.web.call import Call

NOT_AN_ADDRESS: MemberProblem = {"member": "email", "problem": Text("Enter an email address, like name@example.com.")}


class Names(Body):
    """The claims that name the user. SIGNET_SIGN_UP_REQUIRED says which are required."""

    name: str = Field("", description="Full name. If left out, it is built from the other names.")
    given_name: str = Field("", description="First name.")
    middle_name: str = Field("", description="Middle name.")
    family_name: str = Field("", description="Last name.")
    nickname: str = Field("", description="Nickname.")
    preferred_username: str = Field("", description="Suggested to apps as the username. It isn't unique.")


class Registration(Names):
    """A new account."""

    email: str = Field(description="The email address. The verification email is sent to it.")
    password: str = Field(
        description="The password. Short and common passwords are rejected, and those similar to the email address."
    )
    accepted_terms: str | None = Field(
        None,
        description="The version of the terms of service that the user accepted. Required if SIGNET_TERMS_VERSION is "
        "set, and then equal to it.",
    )
    attributes: dict[str, Any] = Field(
        {}, description="The values of declared attributes that users fill in at sign-up, by name."
    )


class Registered(Body):
    """The result of a registration. It is the same if the address already has an account; its owner is then emailed."""

    email: str = Field(description="The email address of the account.")
    ticket: str | None = Field(
        None,
        description="For the verify-email operations. Expires with the emailed link. Absent if verification is off.",
    )
    auth_session: str | None = Field(
        None,
        description="For the authorization challenge endpoint. Present if email verification is off and the client has "
        "authorization_challenge.",
    )


@by_client(
    takes=Registration,
    gives=Registered,
    status=202,
    problems=(TooManyRequests, AddressTaken, SignInElsewhere),
    hashes_passwords=True,
)
def register(call: Call, client: Client, body: Registration) -> Registered:
    """Create an account. The verification email is sent to its address. If email verification is off, the account is
    active immediately, and an address that already has an account is rejected with `address-taken`.
    """
    try:
        wanted = read_sign_up(
            call.work,
            email=body.email,
            password=body.password,
            names=body.model_dump(include=set(Names.model_fields)),
            accepted_terms=body.accepted_terms,
            attributes=body.attributes,
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
