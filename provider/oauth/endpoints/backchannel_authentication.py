"""The backchannel authentication endpoint: an app asks a user who answers elsewhere (OpenID Connect CIBA section 7)."""

from starlette.responses import Response

from provider.oauth.checks import ADD_GRANT
from provider.oauth.ciba import requests
from provider.oauth.ciba.parameters import read_parameters
from provider.oauth.ciba.request_objects import require_unused, unwrap
from provider.oauth.clients.choices import CIBA
from provider.oauth.clients.unused_clients import mark_used
from provider.oauth.errors import UnauthorizedClientError
from provider.oauth.grants.polling import INTERVAL
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.refused import NO_STORE, strict_endpoint
from provider.web.call import Call
from provider.web.json_responses import JsonResponse


@strict_endpoint
def backchannel_authentication(call: Call) -> Response:
    """Answer backchannel authentication requests: POST /oauth2/bc-authorize.

    Returns `auth_req_id`, `expires_in` and `interval` (section 7.3). An error has only the members of section 13, which
    the conformance suite insists on.
    """
    request = authenticated(call, "backchannel authentication")
    work, server, checks, client = request.work, request.server, request.checks, request.client
    checks.require(
        CIBA in client.metadata.grant_types,
        "The client is registered for backchannel authentication",
        section="CIBA section 13",
        error=UnauthorizedClientError,
        description=f"This client is not registered for the grant type {CIBA}",
        expected=CIBA,
        got=", ".join(client.metadata.grant_types),
        fix=ADD_GRANT,
    )
    given, claims = unwrap(work, server, checks, client, request.form)
    asked = read_parameters(work, server, checks, client, given)
    requests.require_may_ask(work, checks, asked)
    require_unused(work, checks, client, claims)
    auth_req_id = requests.begin(work, asked)
    mark_used(work, client)
    expires_in = int(asked.lifetime.total_seconds())
    answer = {"auth_req_id": auth_req_id, "expires_in": expires_in, "interval": INTERVAL}
    return JsonResponse(answer, headers=NO_STORE)
