"""Access tokens and token responses: one issuer for every `Authorization`, and one reader that checks access tokens.

Access tokens are RFC 9068 JWTs and are not stored (decision 66). Their grant decides whether they are active. Refresh
tokens are opaque; a successor is derived from its predecessor (decision 3).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provider.accounts.store.users import Status
from provider.crypto.digests import new_opaque
from provider.jose.times import end_of_second, is_ahead, is_numeric_date
from provider.oauth.claim_mapping.declarations import Place
from provider.oauth.clients.clients import Client
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.scopes import GROUPS, OPENID, ROLES, format_scope
from provider.oauth.sender_constraint.confirmation import Confirmation, as_claim, from_claim, token_type_of
from provider.oauth.tokens.claims import actors_of, roles_and_groups
from provider.oauth.tokens.id_tokens import make_id_token
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store import delegations, token_grants
from provider.oauth.tokens.store.grants import Grant, GrantState
from provider.oauth.tokens.store.people import Person
from provider.observability import counters
from provider.sessions.assurance import acr_of
from provider.work import UnitOfWork

TYP = "at+jwt"


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """The result of a grant: this client may have these tokens. Without a `grant` the client acts for itself."""

    client: Client
    scope: tuple[str, ...]
    grant: Grant | None = None
    person: Person | None = None
    nonce: str | None = None
    audience: tuple[str, ...]
    """The APIs that the access token is for. The issuer represents our own."""
    act: dict[str, Any] | None = None
    """The `act` claim: who acts for the user (RFC 8693 section 4.1)."""
    confirmation: Confirmation | None = None
    """The key that its access token is bound to."""
    authorization_details: tuple[dict[str, Any], ...] = ()
    """The authorization details of its access token (RFC 9396 section 9.1)."""
    expires_at: datetime | None = None
    """The latest expiry of the access token, if that is sooner than the end of the grant."""

    def lifetime(self, work: UnitOfWork) -> int:
        """Return the lifetime of its access token, in seconds: at least one, and no longer than the grant lasts."""
        usual, ends = work.settings.access_token_lifetime, self.expires_at
        if self.grant is not None and (ends is None or self.grant.expires_at < ends):
            ends = self.grant.expires_at
        if ends is None or ends - work.now >= usual:
            return int(usual.total_seconds())
        return max(1, int(ends.timestamp()) - int(work.now.timestamp()))


def token_response(
    work: UnitOfWork, server: AuthorizationServer, authorization: Authorization, *, refresh_token: str | None = None
) -> dict[str, Any]:
    """Return the token response (RFC 6749 section 5.1).

    It signs and writes nothing: call it before the write transaction opens.
    """
    access_token = sign_access_token(work, server, authorization)
    response: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "Bearer" if authorization.confirmation is None else token_type_of(authorization.confirmation),
        "expires_in": authorization.lifetime(work),
    }
    if authorization.scope:
        response["scope"] = format_scope(authorization.scope)
    if authorization.authorization_details:
        response["authorization_details"] = list(authorization.authorization_details)  # RFC 9396 section 7
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    grant, person = authorization.grant, authorization.person
    if grant is not None and person is not None:
        counters.mark_active(grant.user_id)
        if OPENID in authorization.scope:
            response["id_token"] = make_id_token(
                work,
                server,
                client=authorization.client,
                grant=grant,
                scope=authorization.scope,
                person=person,
                access_token=access_token,
                nonce=authorization.nonce,
            )
    return response


def sign_access_token(work: UnitOfWork, server: AuthorizationServer, authorization: Authorization) -> str:
    """Return a signed access token (RFC 9068 section 2.2)."""
    claims = access_token_claims(work, server, authorization)
    return server.keys.signer(work, authorization.client.metadata.usual_alg).sign(claims, typ=TYP)


def access_token_claims(work: UnitOfWork, server: AuthorizationServer, authorization: Authorization) -> dict[str, Any]:
    """Return the claims of an access token.

    The audience is this installation (userinfo, and every API that trusts the issuer) unless others were requested (RFC
    8707). The subject is the one the client knows (section 5), so an API learns no more about users than the app that
    calls it.
    """
    client_id = authorization.client.client_id
    issued = int(work.now.timestamp())
    claims: dict[str, Any] = {
        "iss": server.issuer,
        "sub": client_id,
        "aud": _one_or_list(authorization.audience),
        "iat": issued,
        "exp": issued + authorization.lifetime(work),
        "jti": new_opaque()[:22],
        "client_id": client_id,
    }
    if authorization.scope:
        claims["scope"] = format_scope(authorization.scope)
    if authorization.confirmation is not None:
        claims["cnf"] = as_claim(authorization.confirmation)
    if authorization.act is not None:
        claims["act"] = authorization.act
    if authorization.authorization_details:
        claims["authorization_details"] = list(authorization.authorization_details)
    grant = authorization.grant
    if grant is not None:
        subject = server.subjects.of_grant(work, authorization.client, grant)
        claims["sub"] = subject.sub
        claims["sid"] = subject.sid
        claims["grant_id"] = grant.id
        claims["auth_time"] = int(grant.auth_time.timestamp())
        claims["acr"] = grant.acr or acr_of(grant.amr)
        claims["amr"] = grant.amr.split()
    person, scope = authorization.person, authorization.scope
    asks = person is not None and (ROLES in scope or GROUPS in scope)
    named = roles_and_groups(person, scope, client_id=client_id) if person is not None and asks else {}
    add_to = server.claim_mappings.add_to
    return add_to(work, named, Place.ACCESS_TOKEN, person=person, client_id=client_id, scope=scope) | claims


def _one_or_list(audience: tuple[str, ...]) -> str | list[str]:
    return audience[0] if len(audience) == 1 else list(audience)


def inactive_reason(grant: Grant, state: GrantState, now: datetime) -> str | None:
    """Return why a grant and its tokens are no longer active, in words for an explanation, or None."""
    if grant.revoked_at is not None:
        return f"it was revoked ({grant.revoke_reason})"
    if grant.expires_at <= now:
        return "it reached its maximum lifetime"
    if state.user_status != Status.ACTIVE:
        return "the account is not active"
    if not state.has_same_stamp:
        return "the password was reset or all sessions were ended since"
    if not grant.offline:
        if state.session_ended_at is not None:
            return "the user signed out, and offline_access was not granted"
        if state.session_expires_at is None or state.session_expires_at <= now:
            return "the session is over, and offline_access was not granted"
    if state.client_disabled_at is not None:
        return "the client is disabled"
    if not state.has_accepted_issuers:
        return ISSUER_GONE
    return None


ISSUER_GONE = "the trusted issuer whose assertion it was issued for was deleted or disabled"
CLIENT_GONE = "the client, or the trusted issuer that authenticates it, was deleted or disabled"
CALLER_GONE = "the client that asks was deleted or disabled"


@dataclass(frozen=True, kw_only=True)
class ActiveToken:
    """An access token of ours that is active now."""

    claims: dict[str, Any]
    grant: Grant | None
    person: Person | None
    state: GrantState | None = None
    """What decided that its grant is active."""

    @property
    def scope(self) -> tuple[str, ...]:
        return tuple(str(self.claims.get("scope", "")).split())

    @property
    def confirmation(self) -> Confirmation | None:
        """The key that it is bound to."""
        return from_claim(self.claims.get("cnf"))

    @property
    def audience(self) -> frozenset[str]:
        named = self.claims["aud"]
        return frozenset([named] if isinstance(named, str) else named)


class InactiveToken(Exception):
    """An access token that is not ours, is expired or revoked, or has an inactive grant.

    The text says which, for explanations. `client_id` is the client it was issued to, if it is ours.
    """

    client_id: str | None = None


def read_access_token(
    work: UnitOfWork,
    server: AuthorizationServer,
    token: str,
    *,
    with_person: bool = False,
    caller: str | None = None,
    is_use: bool = True,
) -> ActiveToken:
    """Check signature, type, issuer and times, then check in the database that it is active. Raises InactiveToken, also
    if `caller`, the client_id of the client that asks about the token, was deleted or disabled a moment ago. The
    caller of this function checks the audience (`ActiveToken.audience`). Without `is_use`, the token does not count as
    a use of its key.
    """
    try:
        claims = server.keys.verify(work, token, typ=TYP, is_use=is_use)
    except SignatureRefused as refused:
        raise InactiveToken(str(refused)) from None
    if claims.get("iss") != server.issuer or not claims.get("aud"):
        raise InactiveToken("it has another issuer or no audience")
    try:
        return _read_active(work, server, claims, with_person=with_person, caller=caller)
    except InactiveToken as inactive:
        inactive.client_id = str(claims.get("client_id"))
        raise


def _read_active(
    work: UnitOfWork, server: AuthorizationServer, claims: dict[str, Any], *, with_person: bool, caller: str | None
) -> ActiveToken:
    if not _is_timely(claims, work.now.timestamp()):
        raise InactiveToken("it has expired or is not valid yet")
    grant_id, jti = claims.get("grant_id"), str(claims.get("jti"))
    if grant_id is None:
        return _read_own(work, claims, jti, caller=caller)
    found = token_grants.find(work.read, grant_id, jti=jti, caller=caller, with_person=with_person)
    if found is None:
        raise InactiveToken("its grant was deleted")
    if not found.is_caller_enabled:
        raise InactiveToken(CALLER_GONE)
    reason = "it was revoked" if found.is_revoked else inactive_reason(found.grant, found.state, work.now)
    if reason is not None:
        raise InactiveToken(reason)
    for client_id in actors_of(claims):  # it was exchanged, by each of these
        _require_acting(work, server, found.grant.user_id, client_id, issued=claims["iat"])
    return ActiveToken(claims=claims, grant=found.grant, person=found.person, state=found.state)


def _require_acting(
    work: UnitOfWork, server: AuthorizationServer, user_id: str, client_id: str, *, issued: float
) -> None:
    """Check that a client is enabled and may act for the user, and could when the token was issued. Raises
    InactiveToken.
    """
    actor = delegations.find_actor(work.read, user_id, client_id, issued=end_of_second(issued))
    if not actor.may_act:
        server.clients.forget_one(client_id)
        raise InactiveToken(CLIENT_GONE)
    resumed_at = actor.resumed_at
    if actor.ended_at is not None or (resumed_at is not None and issued < int(resumed_at.timestamp())):
        raise InactiveToken("the user stopped a client that acts for them")


def _is_timely(claims: dict[str, Any], now: float) -> bool:
    """Return whether `exp` is in the future, and `iat` and `nbf` are in the past.

    See RFC 7519 section 4.1.
    """
    expires, begins = claims.get("exp"), (claims.get("iat"), claims.get("nbf", 0))
    past = all(is_numeric_date(moment) and not is_ahead(moment, now) for moment in begins)
    return past and is_numeric_date(expires) and expires > now


def _read_own(work: UnitOfWork, claims: dict[str, Any], jti: str, *, caller: str | None) -> ActiveToken:
    """Read a token that a client has for itself: it is active while the client is enabled."""
    client_id = str(claims.get("client_id"))
    state = token_grants.find_own(
        work.read, jti, client_id=client_id, issued=end_of_second(claims["iat"]), caller=caller
    )
    if not state.may_act:
        raise InactiveToken(CLIENT_GONE)
    if state.is_revoked:
        raise InactiveToken("it was revoked")
    if not state.is_caller_enabled:
        raise InactiveToken(CALLER_GONE)
    return ActiveToken(claims=claims, grant=None, person=None)
