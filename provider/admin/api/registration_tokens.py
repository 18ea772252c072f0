"""Initial access tokens, for applications that register themselves (RFC 7591 section 1.2)."""

from datetime import datetime, timedelta

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.clients.registration import issue_initial_token
from provider.web.call import Call

LONGEST = 3650 * 86400


class RegistrationTokenRequest(Body):
    """The limits of a new initial access token."""

    uses: int = Field(1, ge=1, le=1_000_000, description="How many applications can register with the token.")
    expires_in: int = Field(3600, ge=1, le=LONGEST, description="How long the token is valid, in seconds.")


class RegistrationToken(Body):
    """A new initial access token."""

    initial_access_token: str = Field(description="The token, shown only in this response.")
    uses: int = Field(description="How many applications can register with the token.")
    expires_at: datetime = Field(description="When the token expires.")


@by_operator(needs=Permission.APPLICATIONS_WRITE, takes=RegistrationTokenRequest, gives=RegistrationToken, status=201)
def issue_registration_token(call: Call, _operator: Operator, body: RegistrationTokenRequest) -> RegistrationToken:
    """Create an initial access token. If SIGNET_REGISTRATION is `token`, applications need it to register."""
    token, expires_at = issue_initial_token(call.work, uses=body.uses, lifetime=timedelta(seconds=body.expires_in))
    return RegistrationToken(initial_access_token=token, uses=body.uses, expires_at=expires_at)
