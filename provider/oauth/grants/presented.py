"""The checks that every grant makes of a code or a refresh token at the token endpoint.

It exists, it was issued to this client, and what the user approved is active.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from provider.oauth.authorization_details.granting import narrow_details
from provider.oauth.clients.resources import narrow
from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.request import TokenRequest
from provider.oauth.tokens.access_tokens import Authorization, inactive_reason
from provider.oauth.tokens.store.grants import end_of
from provider.oauth.tokens.store.presented import Presented, Row


class Issued(Protocol):
    """A code or token, with the client it was issued to."""

    @property
    def client_id(self) -> str: ...


IssuedT = TypeVar("IssuedT", bound=Issued)


@dataclass(frozen=True)
class Kind:
    """A kind of code or token: its name in explanations, and the error for one that is rejected."""

    name: str
    section: str
    """The section of the specification that defines how it is sent."""
    counted_as: str
    """The name in rate limits and metrics for one that was never issued."""
    refused: str
    """The error_description. It is the same for every reason, so that the response reveals none."""


def require_own(request: TokenRequest, kind: Kind, found: IssuedT | None) -> IssuedT:
    """Return the code or token if it exists and was issued to the client that sent it.

    Raises InvalidGrantError; InvalidClientError if the client was deleted or disabled a moment ago; TooManyRequests if
    many came that were never issued.
    """
    own, got = found is not None and found.client_id == request.client.client_id, ""
    if not own:
        request.require_enabled()  # what it was given is deleted with a client
        got = request.whose(None if found is None else found.client_id)
    if found is None:
        request.count_unknown(kind.counted_as)
    return request.checks.found(
        found if own else None,
        f"{kind.name} was issued to this client",
        section=kind.section,
        error=InvalidGrantError,
        description=kind.refused,
        expected="one issued to this client",
        got=got,
        fix="Check that the app sends the whole value, from the client that received it. If it is lost "
        "or was already used, send the user to sign in again.",
    )


def require_active(request: TokenRequest, kind: Kind, presented: Presented[Row] | None) -> Presented[Row]:
    """Return the code or token if its grant is active: not revoked, expired or ended with its user, session or client.

    `presented` is None if the grant was deleted. Raises InvalidGrantError.
    """
    reason = "it was deleted"
    if presented is not None:
        reason = inactive_reason(presented.grant, presented.state, request.work.now) or ""
    if reason:
        request.require_enabled()
    return request.checks.found(
        None if reason else presented,
        "What the user allowed is still active",
        section="RFC 6749 section 5.2",
        error=InvalidGrantError,
        description=kind.refused,
        expected="access that has not expired and was not revoked",
        got=reason,
        fix="Send the user to sign in again with a new authorization request.",
    )


def narrow_to_request(
    request: TokenRequest, presented: Presented[Row], *, scope: tuple[str, ...], nonce: str | None = None
) -> Authorization:
    """Return the tokens that the client gets for a code or a refresh token: with this scope, and of what the user
    approved, the APIs and the authorization details that it asks for now.

    Raises InvalidTargetError or InvalidAuthorizationDetailsError.
    """
    work, checks, grant = request.work, request.checks, presented.grant
    audience = narrow(work, checks, request.form.get("resource"), granted=grant.resources, scope=scope)
    details = narrow_details(
        work,
        checks,
        request.client,
        request.form.get("authorization_details"),
        granted=grant.authorization_details,
        audience=audience,
    )
    return Authorization(
        client=request.client,
        scope=scope,
        grant=grant,
        person=presented.person,
        nonce=nonce,
        audience=audience,
        confirmation=request.confirmation,
        authorization_details=details,
        expires_at=end_of(grant, presented.state),
    )
