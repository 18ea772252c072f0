"""The token endpoint (RFC 6749 section 3.2): authenticate the client, hand the call to its grant."""

from starlette.responses import JSONResponse, Response

from provider.oauth.checks import Checks
from provider.oauth.client_authentication import authenticate
from provider.oauth.errors import UnauthorizedClientError, UnsupportedGrantTypeError
from provider.oauth.grants import authorization_code, client_credentials, refresh_token
from provider.oauth.grants.request import TokenRequest
from provider.oauth.refused import protocol_endpoint, read_form
from provider.web.endpoint import Call

GRANTS = {grant.GRANT_TYPE: grant.redeem for grant in (authorization_code, refresh_token, client_credentials)}
"""What is supported; the discovery document is computed from it."""

HEADERS = {"cache-control": "no-store", "pragma": "no-cache"}


@protocol_endpoint
def token(call: Call) -> Response:
    """POST /oauth2/token. Answers a token response (RFC 6749 section 5.1) or an error (section 5.2)."""
    checks = Checks("token")
    read_form(call, checks)
    form = call.form
    client = authenticate(
        call.work,
        call.seams.oauth,
        checks,
        authorization=call.headers.get("authorization"),
        client_id=form.get("client_id"),
        client_secret=form.get("client_secret"),
    )
    request = TokenRequest(call.work, call.seams.oauth, client, form, checks)
    grant_type = request.required("grant_type", "RFC 6749 section 4.1.3")
    checks.require(
        grant_type in GRANTS,
        "The grant type is supported",
        section="RFC 6749 section 5.2",
        error=UnsupportedGrantTypeError,
        description="This grant type is not supported",
        expected=", ".join(GRANTS),
        got=grant_type,
    )
    checks.require(
        grant_type in client.metadata.grant_types,
        "The client is registered for this grant type",
        section="RFC 6749 section 5.2",
        error=UnauthorizedClientError,
        description="The client is not registered for this grant type",
        expected=", ".join(client.metadata.grant_types),
        got=grant_type,
    )
    return JSONResponse(GRANTS[grant_type](request), headers=HEADERS)
