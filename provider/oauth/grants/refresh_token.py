"""The refresh_token grant: rotate a refresh token. Reuse revokes the family (RFC 6749 section 6, RFC 9700 section
4.14.2).

A repeated refresh within the grace period gets the very same successor, so a lost response signs no one out (decision
3).
"""

import base64
from typing import Any

from authlib.oauth2 import OAuth2Error

from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.digests import digest
from provider.oauth.authorize.access_policy import require_access_without_user
from provider.oauth.errors import InvalidGrantError, InvalidScopeError
from provider.oauth.grants.presented import Kind, narrow_to_request, require_active, require_own
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import parse_scope, requested_scope
from provider.oauth.sender_constraint.confirmation import is_certificate
from provider.oauth.sender_constraint.dpop import require_unused, spend, spend_proof
from provider.oauth.tokens.access_tokens import Authorization, token_response
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.presented import Presented
from provider.oauth.tokens.store.refresh_tokens import RefreshToken
from provider.refusals import Refusal
from provider.work import UnitOfWork

GRANT_TYPE = "refresh_token"
REFUSED = "refresh_token is invalid, expired, revoked, or was issued to another client"
KIND = Kind("The refresh token", "RFC 6749 section 6", "refresh-token", REFUSED)


def redeem(request: TokenRequest) -> dict[str, Any]:
    """Return the token response. Raises InvalidGrantError or InvalidScopeError; InvalidDpopProofError if the DPoP
    proof was used before.

    The token is rotated, repeated if it was rotated a moment ago, or kept. Rotation spends the proof in the same
    statement: one commit less. Each other way to an end spends it too.
    """
    try:
        return _redeem(request)
    except (OAuth2Error, Refusal):
        if request.proof is not None and not request.proof.is_spent:
            spend(request.work, request.proof)
        raise


def _redeem(request: TokenRequest) -> dict[str, Any]:
    work, text = request.work, request.required("refresh_token", KIND.section)
    presented = require_own(request, KIND, refresh_tokens.find(work.read, digest(text)))
    token = presented.row
    require_active(request, KIND, presented)
    _require_usable(request, token)
    # A family that is refused stays: it works again once an operator gives the role or the group back (decision 314).
    require_access_without_user(
        request.checks,
        request.client,
        presented.person,
        presented.grant.amr,
        section=KIND.section,
        fix="Send the user to sign in again. They are asked for what is missing.",
    )
    authorization = narrow_to_request(request, presented, scope=_scope(request, presented.grant))
    if token.rotated_at is not None:
        return _repeated(request, presented, authorization, text)
    if request.client.metadata.is_fapi2:
        return _kept(request, presented, authorization, text)
    return _rotated(request, presented, authorization, text)


def _require_usable(request: TokenRequest, token: RefreshToken) -> None:
    """Check that the token has not expired, and that the request proves the key that it is bound to."""
    work, checks = request.work, request.checks
    needs_certificate = is_certificate(token.confirmation)
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
        section="RFC 8705 section 4" if needs_certificate else "RFC 9449 section 5",
        error=InvalidGrantError,
        description=REFUSED,
        expected="the certificate of the first token request"
        if needs_certificate
        else "a DPoP proof with the key of the first token request",
        got=request.confirmation or "no DPoP proof, and no certificate of a client with bound tokens",
        fix="Keep the key as long as the refresh token. If it is lost, send the user to sign in again.",
    )


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


def _rotated(
    request: TokenRequest, presented: Presented[RefreshToken], authorization: Authorization, text: str
) -> dict[str, Any]:
    """Retire the token, and return the token response with its successor."""
    work, token = request.work, presented.row
    successor = _successors_of(work, text)[0]
    response = token_response(work, request.server, authorization, refresh_token=successor)
    row = request.new_refresh_token(
        successor, presented.grant, generation=token.generation + 1, bound=token.confirmation
    )
    if _retire(request, token, successor=row):
        return response
    # Another request rotated it between our look and our write: the same as a repeated refresh. Or it was deleted.
    presented = require_active(request, KIND, refresh_tokens.find(work.read, token.digest))
    return _repeated(request, presented, authorization, text)


def _retire(request: TokenRequest, token: RefreshToken, *, successor: RefreshToken) -> bool:
    """Retire the token, and spend the proof. Returns False if another request retired or deleted it.

    Raises InvalidDpopProofError if the proof was used before.
    """
    db, now, proof = request.work.autocommit, request.work.now, request.proof
    if proof is None:
        return refresh_tokens.rotate(db, token.digest, successor=successor, now=now)
    rotation = refresh_tokens.rotate_with_proof(db, token.digest, successor=successor, now=now, proof=proof)
    require_unused(request.checks, proof, is_new=rotation.is_new)
    return rotation.is_rotated


def _repeated(
    request: TokenRequest, presented: Presented[RefreshToken], authorization: Authorization, text: str
) -> dict[str, Any]:
    """Return the token response with the successor of a token that was rotated, if this is a retry within the grace
    period. Otherwise revokes the family and raises InvalidGrantError.
    """
    work, grant, rotated_at = request.work, presented.grant, presented.row.rotated_at
    assert rotated_at is not None  # noqa: S101  # by the callers
    _spend_proof(request)
    age, grace = work.now - rotated_at, work.settings.refresh_grace
    successor = _find_unused_successor(work, text)
    is_retry = bool(grace) and age <= grace and successor is not None
    if not is_retry and grants.revoke(work.db, grant.id, reason="refresh token reused", now=work.now):
        record(work, Event.REFRESH_REUSED, user_id=grant.user_id, client_id=grant.client_id, grant=grant.id)
    successor = request.checks.found(
        successor if is_retry else None,
        "The refresh token is used for the first time",
        section="RFC 9700 section 4.14.2",
        error=InvalidGrantError,
        description=REFUSED,
        expected=f"first use, or a retry within {grace.total_seconds():.0f} seconds of it",
        got=f"first use {age.total_seconds():.0f} seconds ago. All tokens of the sign-in are now revoked",
        fix="Store the refresh token of each response, and refresh from one place at a time.",
    )
    return token_response(work, request.server, authorization, refresh_token=successor)


def _kept(
    request: TokenRequest, presented: Presented[RefreshToken], authorization: Authorization, text: str
) -> dict[str, Any]:
    """Return the token response with the same refresh token, which stays valid.

    FAPI 2.0 clients prove their identity with a key, so rotation protects nothing, and a response that gets lost would
    end their access (FAPI 2.0 Security Profile section 5.3.2.1).
    """
    work = request.work
    _spend_proof(request)
    response = token_response(work, request.server, authorization, refresh_token=text)
    in_use_until = request.new_refresh_token(text, presented.grant).expires_at
    if not refresh_tokens.extend(work.autocommit, presented.row.digest, expires_at=in_use_until):
        require_active(request, KIND, None)
    return response


def _spend_proof(request: TokenRequest) -> None:
    """Use up the DPoP proof, if there is one, before anything is revoked or extended. Raises InvalidDpopProofError if
    it was used before.
    """
    if request.proof is not None:
        spend_proof(request.work, request.checks, request.proof)


def _find_unused_successor(work: UnitOfWork, text: str) -> str | None:
    """Return the successor that was issued for a refresh token, or None if it was rotated itself or is deleted."""
    for successor in _successors_of(work, text):
        row = refresh_tokens.find_plain(work.read, digest(successor))
        if row is not None:
            return successor if row.rotated_at is None else None
    return None


def _successors_of(work: UnitOfWork, presented: str) -> list[str]:
    """Return the possible successors of a refresh token, the current one first, then those under earlier secret keys.

    A successor is an HMAC of the token under the installation's key, so it need not be stored.
    """
    return [
        base64.urlsafe_b64encode(raw).decode().rstrip("=")
        for raw in work.vault.keyed_digests(presented, purpose="refresh-successor")
    ]
