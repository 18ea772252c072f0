"""The endpoint to which upstreams push shared signals (RFC 8935)."""

from starlette.responses import Response

from provider.federation.pages.forwarding import find_upstream
from provider.federation.signals import receive
from provider.federation.signals.tokens import InvalidSet
from provider.ratelimits import LIMITS, count, of_network, require_room
from provider.refusals import NotFound
from provider.web import errors
from provider.web.call import Call
from provider.web.endpoint import machine_endpoint
from provider.web.json_responses import JsonResponse

NO_STORE = {"cache-control": "no-store"}
IN_ENGLISH = {"content-language": "en"}


@machine_endpoint(render=errors.as_json)
def receive_signal(call: Call) -> Response:
    """Take a security event token: POST /login/upstream/{key}/signals (sections 2.2 to 2.4).

    202 also says that a token came before, or is about no one here. The signature authenticates the transmitter.
    """
    upstream = find_upstream(call)
    if not upstream.settings.is_oidc:
        raise NotFound
    work, network = call.work, of_network(call.work, "upstream-signal")
    require_room(work, LIMITS.upstream, key=network)
    try:
        token = call.body.decode("ascii", "replace").strip()
        receive.take(work, upstream, token, revoke_grants=call.services.revoke_grants)
    except InvalidSet as invalid:
        count(work, LIMITS.upstream, key=network)
        receive.reject(work, upstream, invalid)
        body = {"err": invalid.error, "description": f"The token is not accepted: {invalid.reason}"}
        return JsonResponse(body, status_code=400, headers=NO_STORE | IN_ENGLISH)
    return Response(status_code=202, headers=NO_STORE)
