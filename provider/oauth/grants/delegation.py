"""Recording that a client acts for a user, and refusing a client that the user stopped."""

from datetime import UTC, datetime

from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.scopes import format_scope
from provider.oauth.tokens.store import delegations
from provider.oauth.tokens.store.delegations import Delegation

STOPPED = "The user does not allow this client to act for them any more"


def record_delegation(
    request: TokenRequest,
    *,
    user_id: str,
    method: str,
    via: str,
    scope: tuple[str, ...],
    resources: tuple[str, ...],
    expires_at: int,
) -> None:
    """Store that the client acts for the user until `expires_at`, in seconds since the epoch. `via` is whose token it
    used (`Delegation`).

    Raises InvalidGrantError if the user stopped the client.
    """
    work = request.work
    used = delegations.use(
        work.db,
        Delegation(
            user_id=user_id,
            client_id=request.client.client_id,
            method=method,
            via=via[:255],
            scope=format_scope(scope),
            resources=list(resources),
            created_at=work.now,
            last_used_at=work.now,
            expires_at=datetime.fromtimestamp(expires_at, UTC),
        ),
    )
    _require(request, allowed=used)


def require_not_stopped(request: TokenRequest, *, user_id: str) -> None:
    """Check that the user has not stopped the client, before anything is done for it. Raises InvalidGrantError."""
    known = delegations.find(request.work.read, user_id, request.client.client_id)
    _require(request, allowed=known is None or known.ended_at is None)


def _require(request: TokenRequest, *, allowed: bool) -> None:
    request.checks.require(
        allowed,
        "The user allows the client to act for them",
        section="RFC 6749 section 5.2",
        error=InvalidGrantError,
        description=STOPPED,
        expected="a client that the user did not stop",
        got="a client that the user stopped in their account",
        fix="Ask the user to allow the app again, under Apps in their account.",
    )
