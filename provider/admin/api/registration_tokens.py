"""Initial access tokens, for applications that register themselves (RFC 7591 section 1.2)."""

from datetime import datetime, timedelta

from pydantic import Field

from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.oauth.clients.registration import issue_initial_token
from provider.web.call import Call

LONGEST = 3650 * 86400


class RegistrationTokenRequest(Body):
    uses: int = Field(1, ge=1, le=1_000_000, description="How many applications may register with it.")
    expires_in: int = Field(3600, ge=1, le=LONGEST, description="Seconds it is good for.")


class RegistrationToken(Body):
    initial_access_token: str = Field(description="Shown only now.")
    uses: int
    expires_at: datetime


@by_operator(takes=RegistrationTokenRequest, gives=RegistrationToken, status=201)
def issue_registration_token(call: Call, _operator: Operator, body: RegistrationTokenRequest) -> RegistrationToken:
    """Issue an initial access token for dynamic client registration. Needed where SIGNET_REGISTRATION is `token`."""
    token, expires_at = issue_initial_token(call.work, uses=body.uses, lifetime=timedelta(seconds=body.expires_in))
    return RegistrationToken(initial_access_token=token, uses=body.uses, expires_at=expires_at)
