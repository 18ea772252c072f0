"""The client_credentials grant: a token for the client itself (RFC 6749 section 4.4).

There is no refresh token, because the client can always request another token.
"""

from typing import Any

from provider.oauth.authorization_details.granting import for_audience
from provider.oauth.authorization_details.parsing import read_details
from provider.oauth.checks import WIDEN_SCOPE
from provider.oauth.clients.resources import read_resources
from provider.oauth.errors import InvalidScopeError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import STANDARD_SCOPES, parse_scope, requested_scope
from provider.oauth.tokens.access_tokens import Authorization, token_response

GRANT_TYPE = "client_credentials"


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises InvalidScopeError for a scope the client is not registered for."""
    registered = request.client.metadata.scopes
    # Nothing asked: what it is registered for, without the scopes that speak of a person.
    default = [token for token in parse_scope(request.client.metadata.scope) if token not in STANDARD_SCOPES]
    if "authorization_details" in request.form:
        default = []
    scope = requested_scope(request.form.get("scope"), default=default, offline=False)
    unregistered = [token for token in scope if token not in registered]
    request.checks.require(
        not unregistered,
        "Each requested scope is registered for the client",
        section="RFC 6749 section 4.4.2",
        error=InvalidScopeError,
        description=f"This client is not registered for the scope {' '.join(unregistered)}",
        expected=" ".join(sorted(registered)),
        got=" ".join(scope) or "no scope",
        fix=WIDEN_SCOPE,
    )
    audience = read_resources(request.work, request.checks, request.form.get("resource"))
    audience = audience or (request.server.issuer,)
    asked = read_details(request.work, request.checks, request.client, request.form.get("authorization_details"))
    request.require_enabled()
    authorization = Authorization(
        client=request.client,
        scope=scope,
        audience=audience,
        confirmation=request.confirmation,
        authorization_details=for_audience(asked.values, asked.types, audience, issuer=request.server.issuer),
    )
    return token_response(request.work, request.server, authorization)
