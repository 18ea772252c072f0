"""Token revocation by the client (RFC 7009).

Revoking a refresh token revokes its whole family; revoking an access token revokes only that token.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.http.authenticated import authenticated
from provider.oauth.http.cross_origin import cross_origin
from provider.oauth.http.refused import NO_STORE, quick_endpoint
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.tokens.access_tokens import TYP
from provider.oauth.tokens.store import grants, refresh_tokens, revoked_access_tokens, token_grants
from provider.web.call import Call


@quick_endpoint
@cross_origin
def revocation(call: Call) -> Response:
    """Answer revocation requests: POST /oauth2/revoke.

    Returns 200 with an empty body, also for an unknown token (RFC 7009 section 2.2).
    """
    request = authenticated(call, "revocation")
    request.require_enabled()
    token = request.required("token", "RFC 7009 section 2.1")
    if token.count(".") == 2:
        _revoke_access_token(request, token)
    else:
        _revoke_refresh_token(request, token)
    return Response(b"", headers=NO_STORE)


def _revoke_refresh_token(request: TokenRequest, token: str) -> None:
    work = request.work
    presented = refresh_tokens.find(work.read, digest(token))
    if presented is None:
        return
    grant = presented.grant
    _require_own(request, grant.client_id)
    if grants.revoke(work.db, grant.id, reason="revoked by the client", now=work.now):
        record(work, Event.FAMILY_REVOKED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)


def _revoke_access_token(request: TokenRequest, token: str) -> None:
    work = request.work
    try:
        claims = request.server.keys.verify(work, token, typ=TYP)
    except SignatureRefused:
        return
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    if expires_at <= work.now:
        return
    _require_own(request, str(claims["client_id"]))
    user_id = _user_of(request, claims)
    revoked_access_tokens.add(work.db, str(claims["jti"]), expires_at=expires_at)
    record(work, Event.TOKEN_REVOKED, user_id=user_id, client_id=request.client.client_id, jti=claims["jti"])


def _user_of(request: TokenRequest, claims: Mapping[str, Any]) -> str | None:
    """Return the user whose access token it is. None: the client has it for itself, or its grant was deleted."""
    if "grant_id" not in claims:
        return None
    found = token_grants.find(request.work.read, claims["grant_id"])
    return None if found is None else found.grant.user_id


def _require_own(request: TokenRequest, owner: str) -> None:
    request.checks.require(
        owner == request.client.client_id,
        "The token was issued to this client",
        section="RFC 7009 section 2.1",
        error=InvalidGrantError,
        description="token was issued to another client",
        expected=request.client.client_id,
        got=owner,
        fix="Revoke the token with the client it was issued to.",
    )
