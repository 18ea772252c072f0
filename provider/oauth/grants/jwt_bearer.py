"""The JWT bearer grant: an assertion of a trusted issuer about a user gets an access token (RFC 7523 section 2.1).

The assertion may be an ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant-03 section 4.4). It is accepted once.
The issuer's row says how its subjects are users: by the identity that the user linked, or because `sub` is the user's
ID. An email address in it proves nothing and is ignored. There is no ID token and no refresh token: the issuer decides
each time, and can stop.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from provider.accounts.store import linked_identities, users
from provider.accounts.store.users import Status, User
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id, parse_id
from provider.jose.signed_jwts import InvalidJwt, SignedJwt, read_jwt
from provider.jose.times import CLIENT_LEEWAY, is_numeric_date, remembered_until
from provider.oauth.authorize import consent
from provider.oauth.authorize.access_policy import require_access_without_user
from provider.oauth.checks import WIDEN_SCOPE
from provider.oauth.client_authentication.single_use import use_up
from provider.oauth.clients.choices import JWT_BEARER
from provider.oauth.clients.registration import RESERVED_SCOPES
from provider.oauth.clients.resources import name_one_of, read_resources
from provider.oauth.errors import InvalidGrantError, InvalidScopeError, InvalidTargetError
from provider.oauth.grants.assertion_claims import require_client, require_types
from provider.oauth.grants.delegation import record_delegation
from provider.oauth.grants.id_jag import ID_JAG_TYP
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import OFFLINE_ACCESS, OPENID, format_scope, parse_scope, requested_scope
from provider.oauth.tokens.access_tokens import Authorization, token_response
from provider.oauth.tokens.store import delegations, grants, people
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.trusted_issuers.assertions import SECTION, Use, require_trusted
from provider.oauth.trusted_issuers.issuers import LINKED, NONE, SUB
from provider.oauth.trusted_issuers.store import TrustedIssuer
from provider.sessions.assurance import FEDERATED

GRANT_TYPE = JWT_BEARER
LONGEST_LIFE = timedelta(hours=1)
"""How far `exp` of an assertion may be in the future. Its jti has to be stored that long."""
USE = Use(("jwt", ID_JAG_TYP), InvalidGrantError, LONGEST_LIFE)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises InvalidGrantError; IssuerUnavailableError (503) if the issuer's keys cannot be
    fetched.
    """
    work, server, checks, client = request.work, request.server, request.checks, request.client
    assertion = _read(request)
    is_id_jag = (assertion.typ or "").lower().removeprefix("application/") == ID_JAG_TYP
    issuer = require_trusted(work, server.issuer_keys, checks, assertion, USE, audience=server.issuer)
    claims = assertion.claims
    require_client(request, claims, is_id_jag=is_id_jag)
    if is_id_jag:
        require_types(request, claims)
    user = _require_user(request, issuer, claims)
    scope = _scope(request, claims, is_id_jag=is_id_jag)
    audience = _audience(request, claims, is_id_jag=is_id_jag)
    if not is_id_jag:
        _require_consent(request, user, scope, audience)
    request.require_enabled()
    person = people.find(work.read, user.id)
    require_access_without_user(
        request.checks,
        client,
        person,
        FEDERATED,
        section="RFC 7523 section 3.1",
        fix="An assertion is one factor. Send the user to sign in, or set required_factor of the client to none.",
    )
    _spend(request, issuer, claims)
    grant = _grant(request, user, issuer, claims, scope=scope, audience=audience)
    authorization = Authorization(
        client=client,
        scope=scope,
        grant=grant,
        person=person,
        audience=audience,
        confirmation=request.confirmation,
    )
    response = token_response(work, server, authorization)
    record_delegation(
        request,
        user_id=user.id,
        method=delegations.ASSERTION,
        via=issuer.issuer,
        scope=scope,
        resources=tuple(uri for uri in audience if uri != server.issuer),
        expires_at=int(grant.expires_at.timestamp()),
    )
    grants.add(work.db, grant)
    record(
        work,
        Event.ASSERTION_ACCEPTED,
        user_id=user.id,
        client_id=client.client_id,
        issuer=issuer.issuer,
        target=" ".join(audience),
        id_jag=is_id_jag,
    )
    return response


def _read(request: TokenRequest) -> SignedJwt:
    text, problem, read = request.required("assertion", "RFC 7523 section 2.1"), "", None
    try:
        read = read_jwt(text)
    except InvalidJwt as invalid:
        problem = invalid.reason
    return request.checks.found(
        read,
        "The assertion is a signed JWT",
        section=SECTION,
        error=InvalidGrantError,
        description="assertion is not a signed JWT",
        expected="a signed JWT",
        got=problem,
        fix="Send the JWT of the issuer as assertion, without changes.",
    )


def _require_user(request: TokenRequest, issuer: TrustedIssuer, claims: dict[str, Any]) -> User:
    """Return the active user whom the assertion is about. Raises InvalidGrantError."""
    work, checks, subject = request.work, request.checks, claims.get("sub")
    checks.require(
        issuer.user_mapping != NONE,
        "The issuer may speak for users",
        section="RFC 7523 section 2.1",
        error=InvalidGrantError,
        description="The issuer of the assertion is not trusted for users",
        expected=f"user_mapping {LINKED} or {SUB}",
        got=issuer.user_mapping,
        fix="If the issuer's subjects are users here: `signet issuer update ISSUER --user-mapping linked`.",
    )
    user_id: str | None = None
    if isinstance(subject, str) and 0 < len(subject) <= 255:
        if issuer.user_mapping == SUB:
            user_id = subject
        else:
            linked = linked_identities.find(work.read, issuer.issuer, subject)
            user_id = None if linked is None else linked.user_id
    user = None if user_id is None or parse_id(user_id) != user_id else users.find(work.read, user_id)
    return checks.found(
        None if user is None or user.status != Status.ACTIVE else user,
        "The assertion is about an active user",
        section=SECTION,
        error=InvalidGrantError,
        description="The assertion is about no active user",
        expected="a sub that is a linked identity" if issuer.user_mapping == LINKED else "a sub that is a user ID",
        got="no such user" if user is None else "a user who is not active",
        fix="Let the user link their account at this issuer, or check that the account is active.",
    )


def _scope(request: TokenRequest, claims: dict[str, Any], *, is_id_jag: bool) -> tuple[str, ...]:
    """Return the scope: what the client is registered for and, of an ID-JAG, what the issuer allowed.

    It never includes openid and offline_access, nor access to the account or to the admin API, which no other server
    may give.
    """
    never = {OPENID, OFFLINE_ACCESS, *RESERVED_SCOPES}
    most = [token for token in parse_scope(request.client.metadata.scope) if token not in never]
    named = claims.get("scope")
    if is_id_jag and named is not None:
        allowed = set(named.split())
        most = [token for token in most if token in allowed]
    asked = requested_scope(request.form.get("scope"), default=most, offline=False)
    excess = [token for token in asked if token not in most]
    request.checks.require(
        not excess,
        "Each requested scope is registered for the client and allowed by the assertion",
        section="RFC 7521 section 4.1",
        error=InvalidScopeError,
        description=f"The scope {' '.join(excess)} is not allowed for this client and assertion",
        expected=" ".join(most),
        got=" ".join(asked) or "no scope",
        fix=WIDEN_SCOPE,
    )
    return asked


def _audience(request: TokenRequest, claims: dict[str, Any], *, is_id_jag: bool) -> tuple[str, ...]:
    """Return the APIs: those requested, which an ID-JAG may limit, or those that the ID-JAG names."""
    named = claims.get("resource") if is_id_jag else None
    allowed = [named] if isinstance(named, str) else [*(named or ())]
    asked = request.form.get("resource", "")
    excess = [uri for uri in asked.split() if allowed and not name_one_of([uri], allowed)]
    request.checks.require(
        not excess,
        "Each resource is in the assertion",
        section="ID-JAG draft-03 section 4.4",
        error=InvalidTargetError,
        description="resource is not in the assertion",
        expected=" ".join(allowed),
        got=" ".join(excess),
        fix="Request a resource that the assertion names, or ask the issuer for another assertion.",
    )
    found = read_resources(request.work, request.checks, asked or " ".join(allowed))
    return found or (request.server.issuer,)


def _require_consent(request: TokenRequest, user: User, scope: tuple[str, ...], audience: tuple[str, ...]) -> None:
    """Check that the user has allowed a client of others all of this. An ID-JAG needs no consent: the organization that
    issues it has decided (decision 276).
    """
    client = request.client
    if client.metadata.first_party:
        return
    given = consent.granted(request.work, user_id=user.id, client=client)
    missing = scope if given is None else [token for token in scope if token not in given.scopes]
    others = [uri for uri in audience if uri != request.server.issuer]
    if given is not None and given.resources is not None:
        missing = [*missing, *(uri for uri in others if not name_one_of([uri], given.resources))]
    request.checks.require(
        given is not None and not missing,
        "The user has consented to this client",
        section="RFC 6749 section 10.2",
        error=InvalidGrantError,
        description="The user has not consented to this client, scope and resource",
        expected=f"consent for {' '.join([*scope, *others]) or 'the client'}",
        got="no consent" if given is None else f"no consent for {' '.join(missing)}",
        fix="Send the user through an authorization request of this client once. For your own app, set first_party.",
    )


def _spend(request: TokenRequest, issuer: TrustedIssuer, claims: dict[str, Any]) -> None:
    """Use up the assertion. This is the last check, so that a request that is refused can be repeated."""
    work, checks, jti = request.work, request.checks, claims.get("jti")
    checks.require(
        isinstance(jti, str) and jti,
        "The assertion has a jti",
        section=SECTION,
        error=InvalidGrantError,
        description="The assertion has no jti",
        expected="a jti",
        got="no jti" if jti is None else f"a jti of type {type(jti).__name__}",
        fix="The issuer has to give each assertion a jti, so that it is accepted once.",
    )
    expires_at = remembered_until(claims["exp"], CLIENT_LEEWAY)
    checks.require(
        use_up(work, issuer=f"issuer {issuer.id}", jti=str(jti), expires_at=expires_at),
        "The assertion is used for the first time",
        section=SECTION,
        error=InvalidGrantError,
        description="The assertion was used before",
        expected="a new jti for each assertion",
        got="a jti that was used before",
        fix="Get a new assertion from the issuer for each request.",
    )


def _grant(
    request: TokenRequest,
    user: User,
    issuer: TrustedIssuer,
    claims: dict[str, Any],
    *,
    scope: tuple[str, ...],
    audience: tuple[str, ...],
) -> Grant:
    """Return the grant, which lives as long as its access token. It belongs to no session of the user."""
    work = request.work
    at = claims.get("auth_time")
    auth_time = work.now
    if is_numeric_date(at) and 0 < at <= work.now.timestamp():
        auth_time = datetime.fromtimestamp(at, UTC)
    return Grant(
        id=new_id(),
        user_id=user.id,
        client_id=request.client.client_id,
        session_id=new_id(),
        scope=format_scope(scope),
        claims={},
        offline=True,
        auth_time=auth_time,
        amr=FEDERATED,
        created_at=work.now,
        expires_at=work.now + work.settings.access_token_lifetime,
        revoked_at=None,
        revoke_reason=None,
        resources=[uri for uri in audience if uri != request.server.issuer],
        security_stamp=user.security_stamp,
        assertion_issuer=issuer.issuer,
    )
