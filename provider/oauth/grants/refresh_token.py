"""The refresh_token grant: rotate a refresh token. Reuse revokes the family (RFC 6749 section 6, RFC 9700 section
4.14.2).

A repeated refresh within the grace period gets the very same successor, so a lost response signs no one out (decision
3).
"""

import base64
from datetime import datetime
from typing import Any

from authlib.oauth2 import OAuth2Error

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.authorize.access_policy import denial_of, require_access
from provider.oauth.errors import InvalidGrantError, InvalidScopeError
from provider.oauth.grants.presented import Kind, Presented, authorize, require_active, require_own
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import parse_scope, requested_scope
from provider.oauth.sender_constraint.confirmation import is_certificate
from provider.oauth.sender_constraint.dpop import require_unused, spend, spend_proof
from provider.oauth.tokens.access_tokens import Authorization, token_response
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.refresh_tokens import RefreshToken
from provider.refusals import Refusal
from provider.sessions.assurance import REQUIRED_FACTORS, is_at_least, level_of
from provider.work import UnitOfWork

GRANT_TYPE = "refresh_token"
REFUSED = "refresh_token is invalid, expired, revoked, or was issued to another client"
KIND = Kind("The refresh token", "RFC 6749 section 6", "refresh-token", REFUSED)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises InvalidGrantError or InvalidScopeError; InvalidDpopProofError if the DPoP
    proof was used before.

    The proof is spent in the statement that rotates the token: one commit less. Each other way to an end spends it too.
    """
    try:
        return _redeem(request)
    except (OAuth2Error, Refusal):
        if request.proof is not None and not request.proof.is_spent:
            spend(request.work, request.proof)
        raise


def _redeem(request: TokenRequest) -> dict[str, Any]:
    work, checks, client = request.work, request.checks, request.client
    text = request.required("refresh_token", KIND.section)
    found = refresh_tokens.find(work.read, digest(text))
    presented = require_own(request, KIND, None if found is None else Presented(*found))
    token, grant = presented.row, presented.grant
    require_active(request, KIND, presented)
    checks.require(
        token.expires_at > work.now,
        "The refresh token has not expired",
        section="RFC 9700 section 4.14.2",
        error=InvalidGrantError,
        description=REFUSED,
        expected=f"used at least every {work.settings.refresh_idle_lifetime}",
        got=f"expiry at {token.expires_at:%Y-%m-%d %H:%M} UTC",
        fix="Send the user to sign in again. To keep access, refresh at least once in the expected time.",
    )
    checks.require(
        token.confirmation in {None, request.confirmation},
        "The request proves the key or certificate that the refresh token is bound to",
        section="RFC 8705 section 4" if is_certificate(token.confirmation) else "RFC 9449 section 5",
        error=InvalidGrantError,
        description=REFUSED,
        expected="the certificate of the first token request"
        if is_certificate(token.confirmation)
        else "a DPoP proof with the key of the first token request",
        got=request.confirmation or "no DPoP proof, and no certificate of a client with bound tokens",
        fix="Keep the key as long as the refresh token. If it is lost, send the user to sign in again.",
    )
    _require_access(request, presented)
    scope = _scope(request, grant)
    authorization = authorize(request, presented, scope=scope)
    rotated_at = token.rotated_at
    if request.proof is not None and (rotated_at is not None or client.metadata.is_fapi2):
        spend_proof(work, checks, request.proof)  # before anything is revoked or extended
    if rotated_at is None and client.metadata.is_fapi2:
        return _without_rotation(request, authorization, text, token)
    if rotated_at is None:
        successor = _successors_of(work, text)[0]
        response = token_response(work, request.server, authorization, refresh_token=successor)
        row = request.refresh_token_row(successor, grant, generation=token.generation + 1, bound=token.confirmation)
        if _rotate(request, token, successor=row):
            return response
        # Another request rotated it between our look and our write: the same as a repeated refresh.
        rotated_at = refresh_tokens.find_rotation(work.db, token.digest)
    successor = _repeat(request, grant, text, rotated_at=rotated_at)
    return token_response(work, request.server, authorization, refresh_token=successor)


def _require_access(request: TokenRequest, presented: Presented[RefreshToken]) -> None:
    """Check that the user may still sign in to the client, with the factor it requires. Raises InvalidGrantError.

    The family stays: it works again once an operator gives the role or the group back (decision 314).
    """
    client, person, metadata = request.client, presented.person, request.client.metadata
    if metadata.allowed_roles or metadata.allowed_groups:
        denied = None if person is None else denial_of(client, person)
        require_access(request.checks, denied, error=InvalidGrantError, section=KIND.section)
    if metadata.required_factor != "none":
        needed, level = REQUIRED_FACTORS[metadata.required_factor], level_of(presented.grant.amr)
        request.checks.require(
            is_at_least(level, needed),
            "The user signed in with what the client requires (required_factor)",
            section=KIND.section,
            error=InvalidGrantError,
            description="The user must sign in again, with what this client requires",
            expected=needed,
            got=level,
            fix="Send the user to sign in again. They are asked for what is missing.",
        )


def _rotate(request: TokenRequest, token: RefreshToken, *, successor: RefreshToken) -> bool:
    """Retire the token. Returns False if another request did so; raises InvalidDpopProofError."""
    db, now, proof = request.work.autocommit, request.work.now, request.proof
    if proof is None:
        return refresh_tokens.rotate(db, token.digest, successor=successor, now=now)
    rotation = refresh_tokens.rotate_with_proof(db, token.digest, successor=successor, now=now, proof=proof)
    require_unused(request.checks, proof, is_new=rotation.is_new)
    return rotation.is_rotated


def _without_rotation(
    request: TokenRequest, authorization: Authorization, text: str, token: RefreshToken
) -> dict[str, Any]:
    """Return the token response with the same refresh token, which stays valid.

    FAPI 2.0 clients prove their identity with a key, so rotation protects nothing, and a response that gets lost would
    end their access (FAPI 2.0 Security Profile section 5.3.2.1).
    """
    work, grant = request.work, authorization.grant
    assert grant is not None  # noqa: S101  # a refresh token has one
    response = token_response(work, request.server, authorization, refresh_token=text)
    in_use_until = request.refresh_token_row(text, grant).expires_at
    refresh_tokens.extend(work.autocommit, token.digest, expires_at=in_use_until)
    return response


def _scope(request: TokenRequest, grant: Grant) -> tuple[str, ...]:
    """Return the requested scope, or all of it. The family keeps its full scope.

    It is never more than was granted (RFC 6749 section 6), nor than the client is now registered for (A-59).
    """
    granted = request.client.metadata.still_of(parse_scope(grant.scope))
    asked = requested_scope(request.form.get("scope"), default=granted, offline=True)
    excess = [token for token in asked if token not in granted]
    request.checks.require(
        not excess,
        "Each requested scope was granted",
        section="RFC 6749 section 6",
        error=InvalidScopeError,
        description=f"The scope {' '.join(excess)} was not granted",
        expected=" ".join(granted),
        got=" ".join(asked),
        fix="Request only granted scopes, or leave out scope. To get more, start a new authorization request.",
    )
    return asked


def _repeat(request: TokenRequest, grant: Grant, text: str, *, rotated_at: datetime) -> str:
    """Return the existing successor, if this is a repetition within the grace period.

    Otherwise revokes the family and raises InvalidGrantError.
    """
    work = request.work
    made = [
        (one, row)
        for one in _successors_of(work, text)
        if (row := refresh_tokens.find_plain(work.read, digest(one))) is not None
    ]
    age = work.now - rotated_at
    repeated = bool(made) and made[0][1].rotated_at is None and age <= work.settings.refresh_grace
    repeated = repeated and bool(work.settings.refresh_grace)
    if not repeated and grants.revoke(work.db, grant.id, reason="refresh token reused", now=work.now):
        record(work, Event.REFRESH_REUSED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    request.checks.require(
        repeated,
        "The refresh token is used for the first time",
        section="RFC 9700 section 4.14.2",
        error=InvalidGrantError,
        description=REFUSED,
        expected=f"first use, or a retry within {work.settings.refresh_grace.total_seconds():.0f} seconds of it",
        got=f"first use {age.total_seconds():.0f} seconds ago. All tokens of the sign-in are now revoked",
        fix="Store the refresh token of each response, and refresh from one place at a time.",
    )
    return made[0][0]


def _successors_of(work: UnitOfWork, presented: str) -> list[str]:
    """Return the possible successors of a refresh token, the current one first, then those under earlier secret keys.

    A successor is an HMAC of the token under the installation's key, so it need not be stored.
    """
    return [
        base64.urlsafe_b64encode(raw).decode().rstrip("=")
        for raw in work.vault.keyed_digests(presented, purpose="refresh-successor")
    ]
