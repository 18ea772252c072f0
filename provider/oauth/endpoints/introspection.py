"""Token introspection (RFC 7662), also as a signed response (RFC 9701).

It is for authenticated, confidential clients. They may ask about their own tokens, and an API about access tokens
issued for it.
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from provider.crypto.digests import digest
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import DEVICE_CODE
from provider.oauth.errors import InvalidClientError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.refused import NO_STORE, protocol_endpoint
from provider.oauth.tokens.access_tokens import ActiveToken, InactiveToken, inactive_reason, read_access_token
from provider.oauth.tokens.introspection_jwts import MEDIA_TYPE, is_wanted, make_introspection_jwt
from provider.oauth.tokens.store import refresh_tokens
from provider.web.call import Call

INACTIVE: dict[str, Any] = {"active": False}


@protocol_endpoint
def introspection(call: Call) -> Response:
    """Answer introspection requests: POST /oauth2/introspect.

    A token that is not active gets `{"active": false}` and nothing else (RFC 7662 section 2.2). The response is a JWT
    for callers that accept one.
    """
    request = authenticated(call, "introspection")
    work, client = request.work, request.client
    request.checks.require(
        not client.metadata.is_public,
        "The caller is a confidential client",
        section="RFC 7662 section 2.1",
        error=InvalidClientError,
        description="Introspection is for confidential clients",
        got="a public client",
    )
    token = request.required("token", "RFC 7662 section 2.1")
    answer = _access_token(request, token) if token.count(".") == 2 else _refresh_token(request, token)
    if is_wanted(call.header_list("accept")):
        jwt = make_introspection_jwt(work, request.server, client, answer)
        return Response(jwt, media_type=MEDIA_TYPE, headers=NO_STORE)
    return JSONResponse(answer, headers=NO_STORE)


def _access_token(request: TokenRequest, token: str) -> dict[str, Any]:
    work, server, client = request.work, request.server, request.client
    try:
        live = read_access_token(work, server, token)
    except InactiveToken as inactive:
        if inactive.client_id is None:
            request.fail_guess("introspection")
        return INACTIVE
    claims = live.claims
    if claims["client_id"] != client.client_id and not _is_for(client, live, server.issuer):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **{name: claims[name] for name in SHOWN if name in claims}}


SHOWN = (
    "scope",
    "client_id",
    "sub",
    "aud",
    "iss",
    "exp",
    "iat",
    "jti",
    "sid",
    "acr",
    "amr",
    "auth_time",
    "roles",
    "act",
)


def _is_for(client: Client, live: ActiveToken, issuer: str) -> bool:
    """Return whether the client is an API, and the token is for it.

    An operator registers an API as a client that signs no one in. It may ask about the access tokens it receives (RFC
    7662 section 2.1). Their audience is the API, or the issuer for APIs that trust it (RFC 8707).
    """
    metadata = client.metadata
    is_api = client.is_vouched_for and not metadata.redirect_uris and DEVICE_CODE not in metadata.grant_types
    return is_api and not live.audience.isdisjoint({issuer, *metadata.resource_identifiers})


def _refresh_token(request: TokenRequest, token: str) -> dict[str, Any]:
    """Return the response for a refresh token. Only its own client may ask about it."""
    work, server, client = request.work, request.server, request.client
    found = refresh_tokens.find(work.read, digest(token))
    if found is None:
        request.fail_guess("introspection")
        return INACTIVE
    row, grant, state, _person = found
    in_use = row.rotated_at is None and row.expires_at > work.now and inactive_reason(grant, state, work.now) is None
    if not in_use or grant.client_id != client.client_id:
        return INACTIVE
    subject = server.subjects.of_grant(work, client, grant)
    return {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "sub": subject.sub,
        "iss": work.settings.issuer,
        "exp": int(row.expires_at.timestamp()),
        "sid": subject.sid,
    }
