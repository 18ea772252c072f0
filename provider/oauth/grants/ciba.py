"""The CIBA grant: a client polls for the user's answer, or is notified of it, and gets tokens once (CIBA sections 10.1,
11).

The ID token has no `urn:openid:params:jwt:claim:auth_req_id`: section 10.3.1 requires it in the mode push only.
"""

from typing import Any

from provider.crypto.digests import digest
from provider.oauth.clients.choices import CIBA
from provider.oauth.grants.polling import Polled, redeem_polled
from provider.oauth.grants.presented import Kind
from provider.oauth.grants.request import TokenRequest
from provider.oauth.grants.store import backchannel_requests

GRANT_TYPE = CIBA
POLLED = Polled(
    kind=Kind(
        "The auth_req_id",
        "CIBA section 10.1",
        "auth-req-id",
        "auth_req_id is invalid, already used, or was issued to another client",
    ),
    parameter="auth_req_id",
    noun="auth_req_id",
    section="CIBA section 11",
    start_over="Send a new backchannel authentication request.",
)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises the errors of CIBA section 11."""
    auth_req_id = request.required(POLLED.parameter, POLLED.kind.section)
    found = backchannel_requests.find(request.work.read, digest(auth_req_id))
    return redeem_polled(request, POLLED, backchannel_requests.REQUESTS, found)
