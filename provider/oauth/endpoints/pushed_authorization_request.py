"""Pushed authorization requests (RFC 9126): the authenticated client sends the request itself, and the browser carries
only a handle to it.

Errors go to the client immediately, and no one is redirected.
"""

from starlette.responses import Response

from provider.oauth.authorize import parked_requests
from provider.oauth.authorize.parameters import with_proven_key
from provider.oauth.authorize.request import find_target, read_request
from provider.oauth.authorize.request_objects import require_signed, unwrap
from provider.oauth.clients.rules.fapi2 import pushed_request_lifetime_of
from provider.oauth.errors import InvalidRequestError
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.proofs import with_key
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.parameters import Parameters
from provider.web.call import Call
from provider.web.json_responses import JsonResponse

PROOF = ("client_secret", "client_assertion", "client_assertion_type")
"""Parameters of client authentication, which are not part of the request."""


@quick_endpoint
@cross_origin
def pushed_authorization_request(call: Call) -> Response:
    """Answer pushed requests: POST /oauth2/par. Returns 201, `request_uri` and `expires_in` (RFC 9126 section 2.2)."""
    request = with_key(call, authenticated(call, "pushed_authorization_request", may_be_new=True))
    work, server, checks, client = request.work, request.server, request.checks, request.client
    checks.require(
        "request_uri" not in request.form,
        "The pushed request has no request_uri",
        section="RFC 9126 section 2.1",
        error=InvalidRequestError,
        description="request_uri cannot be pushed. Push the parameters themselves",
        expected="no request_uri",
        got="request_uri",
        fix="Push the parameters themselves, without request_uri.",
    )
    require_signed(checks, client, request.form)
    pushed = {name: value for name, value in request.form.items() if name not in PROOF}
    given = unwrap(work, server, checks, Parameters([*(pushed | {"client_id": client.client_id}).items()]))
    target = find_target(work, server, checks, given)
    given = with_proven_key(checks, given, request.confirmation)
    asked = read_request(work, server, checks, target, given)
    request_uri = parked_requests.push(work, asked, given)
    expires_in = int(pushed_request_lifetime_of(work.settings, client.metadata).total_seconds())
    return JsonResponse({"request_uri": request_uri, "expires_in": expires_in}, status_code=201, headers=NO_STORE)
