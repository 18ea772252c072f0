"""The token endpoint (RFC 6749 section 3.2): authenticate the client and call its grant."""

from collections.abc import Callable
from functools import partial, wraps

from authlib.oauth2 import OAuth2Error
from starlette.responses import Response

from provider.oauth.checks import ADD_GRANT, with_value
from provider.oauth.clients.unused_clients import mark_used
from provider.oauth.errors import UnauthorizedClientError, UnsupportedGrantTypeError
from provider.oauth.grants.grant_types import GRANTS
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.proofs import with_required_key
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.observability import counters
from provider.observability.instruments import OTHER, name_of
from provider.observability.metrics import TOKEN_REQUESTS
from provider.parameters import MalformedParameters
from provider.web.call import Call
from provider.web.json_responses import JsonResponse


def counted(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Return the endpoint with its outcome counted in the metrics, by grant type: `issued` or the error code."""

    @wraps(function)
    def answer(call: Call) -> Response:
        try:
            response = function(call)
        except Exception as error:
            TOKEN_REQUESTS.count(_grant_of(call), error.error if isinstance(error, OAuth2Error) else name_of(error))
            raise
        call.work.after_commit.append(partial(TOKEN_REQUESTS.count, _grant_of(call), "issued"))
        return response

    return answer


def _grant_of(call: Call) -> str:
    try:
        asked = call.form.get("grant_type", OTHER)
    except MalformedParameters:
        return OTHER
    return asked if asked in GRANTS else OTHER


@quick_endpoint
@cross_origin
@counted
def token(call: Call) -> Response:
    """Answer token requests: POST /oauth2/token. Returns a token response (RFC 6749 section 5.1) or an error (section
    5.2).

    The decorators, from outside to inside: `quick_endpoint` runs all of it in a unit of work and answers errors with
    JSON; `cross_origin` marks the call before anything can be refused, so that pages can read errors too; `counted`
    sees each error before it becomes a response.

    A grant that must ask another server starts all of it again in another thread (`work.NeedsNetwork`). The CallValues
    survive: the client that was authenticated and the proof that was checked, both of which may be spent.
    """
    request = authenticated(call, "token")
    request = with_required_key(call, request, spends=not _spends_proof(request))
    checks, client = request.checks, request.client
    grant_type = request.required("grant_type", "RFC 6749 section 4.1.3")
    checks.require(
        grant_type in GRANTS,
        "grant_type is supported",
        section="RFC 6749 section 5.2",
        error=UnsupportedGrantTypeError,
        description=f"{with_value('grant_type', grant_type)} is not supported. Supported: {', '.join(GRANTS)}",
        expected=", ".join(GRANTS),
        got=grant_type,
        fix="Send one of the expected values as grant_type.",
    )
    checks.require(
        grant_type in client.metadata.grant_types,
        "grant_type is registered for the client",
        section="RFC 6749 section 5.2",
        error=UnauthorizedClientError,
        description=f"{with_value('grant_type', grant_type)} is not registered for this client",
        expected=", ".join(client.metadata.grant_types),
        got=grant_type,
        fix=ADD_GRANT,
    )
    response = JsonResponse(GRANTS[grant_type].redeem(request), headers=NO_STORE)
    mark_used(request.work, client)
    request.work.after_commit.append(partial(counters.count, counters.tokens_of_app(client.client_id, grant_type)))
    return response


def _spends_proof(request: TokenRequest) -> bool:
    """Return whether the grant of the request spends its DPoP proof. One that the client may not use is never called,
    so it does not.
    """
    grant_type = request.form.get("grant_type", "")
    grant = GRANTS.get(grant_type)
    return grant is not None and grant.spends_proof and grant_type in request.client.metadata.grant_types
