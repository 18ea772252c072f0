"""The device authorization endpoint: a device gets a device code, and a user code to type elsewhere (RFC 8628 section
3.1).
"""

from urllib.parse import urlencode

from starlette.responses import Response

from provider.oauth.authorization_details.parsing import read_details
from provider.oauth.authorize.parameters import read_scope
from provider.oauth.checks import ADD_GRANT
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.resources import read_resources
from provider.oauth.errors import InvalidTargetError, UnauthorizedClientError
from provider.oauth.grants import device_requests
from provider.oauth.grants.device_requests import VERIFICATION_PATH
from provider.oauth.grants.polling import INTERVAL
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.refused import NO_STORE, protocol_endpoint
from provider.oauth.response_types import CODE_FLOW
from provider.ratelimits import LIMITS, hit, of_network
from provider.web.call import Call
from provider.web.json_responses import JsonResponse


@protocol_endpoint
@cross_origin
def device_authorization(call: Call) -> Response:
    """Answer device authorization requests: POST /oauth2/device_authorization.

    Returns both codes and the URL where the user types the user code (RFC 8628 section 3.2).
    """
    request = authenticated(call, "device authorization", may_be_new=True)
    client = request.client
    request.checks.require(
        DEVICE_CODE in client.metadata.grant_types,
        "The client is registered for the device flow",
        section="RFC 8628 section 3.1",
        error=UnauthorizedClientError,
        description=f"This client is not registered for the grant type {DEVICE_CODE}",
        expected=DEVICE_CODE,
        got=", ".join(client.metadata.grant_types),
        fix=ADD_GRANT,
    )
    scope = read_scope(request.checks, call.settings, client, CODE_FLOW, call.form)
    resources = read_resources(call.work, request.checks, call.form.get("resource"))
    request.checks.require(
        set(resources) <= {request.server.issuer},
        "resource names no API beside this server",
        section="RFC 8707 section 2",
        error=InvalidTargetError,
        description="resource cannot name another API in the device flow",
        expected=f"{request.server.issuer}, or no resource",
        got=" ".join(resources),
        fix="Leave out resource, or use the authorization code flow to request this API.",
    )
    details = read_details(call.work, request.checks, client, call.form.get("authorization_details"))
    # Anybody may know the client_id of a public client, and each request is a row.
    hit(call.work, LIMITS.device, key=of_network(call.work, "device"))
    device_code, user_code = device_requests.begin(call.work, client, scope, details.values)
    verification_uri = call.settings.issuer + VERIFICATION_PATH
    answer = {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": verification_uri,
        "verification_uri_complete": f"{verification_uri}?{urlencode({'user_code': user_code})}",
        "expires_in": int(call.settings.device_code_lifetime.total_seconds()),
        "interval": INTERVAL,
    }
    return JsonResponse(answer, headers=NO_STORE)
