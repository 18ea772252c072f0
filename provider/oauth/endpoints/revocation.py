"""A client gives a token back (RFC 7009). A refresh token takes its whole family with it; an access token only
itself.
"""

from datetime import UTC, datetime

from starlette.responses import Response

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.checks import Checks
from provider.oauth.client_authentication import authenticate
from provider.oauth.clients import Client
from provider.oauth.endpoints.token import HEADERS
from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.keys import SignatureRefused
from provider.oauth.refused import protocol_endpoint, read_form
from provider.oauth.server import AuthorizationServer
from provider.oauth.store import grants, refresh_tokens
from provider.oauth.tokens import TYP
from provider.web.endpoint import Call
from provider.work import UnitOfWork


@protocol_endpoint
def revocation(call: Call) -> Response:
    """POST /oauth2/revoke. 200 with an empty body, also for a token nobody knows (section 2.2)."""
    checks = Checks("revocation")
    read_form(call, checks)
    server: AuthorizationServer = call.seams.oauth
    client = authenticate(
        call.work,
        server,
        checks,
        authorization=call.headers.get("authorization"),
        client_id=call.form.get("client_id"),
        client_secret=call.form.get("client_secret"),
    )
    token = TokenRequest(call.work, server, client, call.form, checks).required("token", "RFC 7009 section 2.1")
    if token.count(".") == 2:
        _revoke_access_token(call.work, server, client, token, checks)
    else:
        _revoke_refresh_token(call.work, client, token, checks)
    return Response(b"", headers=HEADERS)


def _revoke_refresh_token(work: UnitOfWork, client: Client, token: str, checks: Checks) -> None:
    found = refresh_tokens.find(work.read, digest(token))
    if found is None:
        return
    grant = found[1]
    _require_own(checks, grant.client_id, client)
    if grants.revoke(work.db, grant.id, reason="revoked by the client", now=work.now):
        record(work, Event.FAMILY_REVOKED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)


def _revoke_access_token(
    work: UnitOfWork, server: AuthorizationServer, client: Client, token: str, checks: Checks
) -> None:
    try:
        claims = server.keys.verify(work, token, typ=TYP)
    except SignatureRefused:
        return
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    if expires_at <= work.now:
        return
    _require_own(checks, str(claims["client_id"]), client)
    grants.revoke_jti(work.db, str(claims["jti"]), expires_at=expires_at)
    record(work, Event.TOKEN_REVOKED, client_id=client.client_id, jti=claims["jti"])


def _require_own(checks: Checks, owner: str, client: Client) -> None:
    checks.require(
        owner == client.client_id,
        "The token was issued to this client",
        section="RFC 7009 section 2.1",
        error=InvalidGrantError,
        description="The token was not issued to this client",
        expected=client.client_id,
        got=owner,
    )
