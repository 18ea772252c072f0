"""Token introspection (RFC 7662), also as a signed response (RFC 9701).

It is for authenticated, confidential clients. They may ask about their own tokens, and an API about access tokens
issued for it.
"""

from functools import partial
from typing import Any

from starlette.responses import Response

from provider.crypto.digests import digest
from provider.oauth.authorization_details.granting import for_api
from provider.oauth.claim_mapping.declarations import Place
from provider.oauth.clients.clients import Client
from provider.oauth.clients.resources import name_one_of
from provider.oauth.errors import AccessDeniedError, InvalidClientError
from provider.oauth.explanations import explain
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.oauth.tokens.access_tokens import ActiveToken, InactiveToken, inactive_reason, read_access_token
from provider.oauth.tokens.introspected_claims import introspected_claims
from provider.oauth.tokens.introspection_jwts import MEDIA_TYPE, is_wanted, make_introspection_jwt
from provider.oauth.tokens.store import refresh_tokens
from provider.oauth.tokens.store.grants import end_of
from provider.web.call import Call
from provider.web.json_responses import JsonResponse

INACTIVE: dict[str, Any] = {"active": False}


@quick_endpoint
def introspection(call: Call) -> Response:
    """Answer introspection requests: POST /oauth2/introspect.

    A token that is not active gets `{"active": false}` and nothing else (RFC 7662 section 2.2). The response is a JWT
    for callers that accept one, and always with FAPI 2.0 Message Signing (section 5.5).
    """
    request = authenticated(call, "introspection")
    work, client = request.work, request.client
    request.checks.require(
        not client.metadata.is_public,
        "The client is confidential",
        section="RFC 7662 section 2.1",
        error=InvalidClientError,
        description="Public clients cannot use introspection",
        expected="a client that authenticates",
        got="a public client",
        fix="Use a confidential client. To register an API: `signet client create --type api --resource URI`.",
    )
    text = request.required("token", "RFC 7662 section 2.1")
    try:
        answer = _access_token(request, text) if text.count(".") == 2 else _refresh_token(request, text)
    except AccessDeniedError as error:  # of this request the caller learns nothing, but its operator may (section 4)
        work.after_commit.append(partial(explain, call.installation, call.origin, error))
        answer = INACTIVE
    if not answer["active"]:
        request.require_enabled()
    if client.metadata.signs_messages or is_wanted(call.header_list("accept")):
        jwt = make_introspection_jwt(work, request.server, client, answer)
        return Response(jwt, media_type=MEDIA_TYPE, headers=NO_STORE)
    return JsonResponse(answer, headers=NO_STORE)


def _access_token(request: TokenRequest, text: str) -> dict[str, Any]:
    try:
        token = read_access_token(
            request.work,
            request.server,
            text,
            caller=request.client.client_id,
            with_person=request.server.claim_mappings.are_in(request.work, Place.INTROSPECTION),
        )
    except InactiveToken as inactive:
        if inactive.client_id is None:
            request.count_unknown("introspection")
        return INACTIVE
    claims = token.claims
    is_own = claims["client_id"] == request.client.client_id
    _require_may_know(
        request,
        is_own or _is_for(request.client, token, request.server.issuer),
        expected="a token of this client, or one whose audience is this client's resource_identifiers",
        got=f"a token of {claims['client_id']} for {' '.join(sorted(token.audience))}",
    )
    answer = introspected_claims(request.work, request.server, claims, token.person)
    if "authorization_details" in claims:  # RFC 9396 section 9.2
        identifiers = () if is_own else request.client.metadata.resource_identifiers
        details = claims["authorization_details"]
        answer["authorization_details"] = for_api(request.work, details, identifiers) if identifiers else details
    return answer


def _is_for(client: Client, token: ActiveToken, issuer: str) -> bool:
    """Return whether the client is an API, and the token is for it (RFC 7662 section 2.1).

    A token whose audience names the API is for it, also if the same client signs users in. A token whose audience is
    the issuer is for every API that trusts the issuer (RFC 8707): a client that an operator registered, and that signs
    no one in.
    """
    metadata = client.metadata
    if name_one_of(token.audience, (client.client_id, *metadata.resource_identifiers)):
        return True
    is_only_api = client.is_vouched_for and not metadata.redirect_uris and not metadata.asks_elsewhere
    return is_only_api and issuer in token.audience


def _require_may_know(request: TokenRequest, may_know: bool, *, expected: str, got: str) -> None:  # noqa: FBT001
    """Check that the caller may learn that the token is active. Raises AccessDeniedError."""
    request.checks.require(
        may_know,
        "The client may see this token",
        section="RFC 7662 section 4",
        error=AccessDeniedError,
        description="This client may not see the token, and got active: false",
        expected=expected,
        got=got,
        fix="Register the API's URI in resource_identifiers of this client, and send it as resource when "
        "you request the token. Only clients without redirect URIs may introspect tokens for the "
        "issuer.",
    )


def _refresh_token(request: TokenRequest, text: str) -> dict[str, Any]:
    """Return the response for a refresh token. Only its own client may ask about it."""
    work, client = request.work, request.client
    presented = refresh_tokens.find(work.read, digest(text))
    if presented is None:
        request.count_unknown("introspection")
        return INACTIVE
    row, grant = presented.row, presented.grant
    is_current = row.rotated_at is None and row.expires_at > work.now
    if not is_current or inactive_reason(grant, presented.state, work.now) is not None:
        return INACTIVE
    _require_may_know(
        request,
        grant.client_id == client.client_id,
        expected="a refresh token of this client",
        got=f"one of {grant.client_id}",
    )
    subject = request.server.subjects.of_grant(work, client, grant)
    return {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "sub": subject.sub,
        "iss": work.settings.issuer,
        "exp": int(min(row.expires_at, end_of(grant, presented.state)).timestamp()),
        "sid": subject.sid,
        **({"authorization_details": grant.authorization_details} if grant.authorization_details else {}),
    }
