"""Sign-in with an emailed code inside a first-party app (SIGNET_EMAIL_CODE_SIGN_IN).

The code works with the `auth_session` of the request that asked for it, as on our pages in the browser that did.
"""

from typing import Any

from provider.accounts.email.email_addresses import WrongCode, parse_address
from provider.crypto.digests import new_opaque
from provider.login.arrival import Arrival
from provider.login.email_code import CodeTicket, request_code, sign_in_by_email_code
from provider.login.steps import SignIn
from provider.oauth.errors import ChallengeError, InsufficientAuthorizationError, InvalidRequestError
from provider.oauth.grants.request import TokenRequest

SECTION = "First-Party Applications section 5.1"
ASKS = "true"
"""The value of `email_code` that asks for an email. Any other is the code."""


def begin(request: TokenRequest, given: dict[str, str], *, purpose: str, bound_to: str | None = None) -> ChallengeError:
    """Email a code to `username`, and return the error that leads on: an `auth_session` for the code.

    It is the same whether or not the address has an account. `given` are the parameters of the authorization request,
    and `purpose` is that of the sealed `auth_session`. With `bound_to`, another email is sent for an earlier one.
    """
    work = request.work
    request.checks.require(
        work.settings.email_code_sign_in,
        "Users may sign in with a code by email",
        section=SECTION,
        error=InvalidRequestError,
        description="Sign-in with a code by email is turned off. Send username and password",
        expected="SIGNET_EMAIL_CODE_SIGN_IN=true",
        got="false",
        fix="Send username and password, or ask an operator to turn on SIGNET_EMAIL_CODE_SIGN_IN.",
    )
    username = request.required("username", SECTION)
    address = request.checks.found(
        parse_address(username),
        "username is an email address",
        section=SECTION,
        error=InvalidRequestError,
        description="username must be an email address",
        expected="an email address, like name@example.com",
        got=username,
        fix="Check the address that the user typed before you send it.",
    )
    bound_to = bound_to or new_opaque()
    ticket = request_code(work, address=address, browser=bound_to)
    value = {
        "session": "",
        "client_id": request.client.client_id,
        "given": given,
        "key": request.confirmation,
        "email_code": {"bound_to": bound_to, "ticket": ticket.__dict__},
    }
    lifetime = work.settings.verify_code_lifetime
    return InsufficientAuthorizationError(
        "Send the code from the email as email_code",
        auth_session=work.vault.seal(value, purpose=purpose, now=work.now, lifetime=lifetime),
        expires_in=int(lifetime.total_seconds()),
    )


def finish(request: TokenRequest, value: dict[str, Any], auth_session: str) -> SignIn:
    """Check the code and begin the session. `value` is what `begin` sealed in the `auth_session`.

    Raises InsufficientAuthorizationError after a wrong code; the `auth_session` stays valid for another attempt.
    """
    code = request.required("email_code", SECTION)
    arrival = Arrival(browser=value["bound_to"], client_id=request.client.client_id)
    try:
        return sign_in_by_email_code(request.work, arrival, ticket=CodeTicket(**value["ticket"]), code=code)
    except WrongCode as refusal:
        raise InsufficientAuthorizationError(refusal.message, auth_session=auth_session) from None
