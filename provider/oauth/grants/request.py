"""A token request of an authenticated client, which every grant takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from provider.crypto.digests import digest, new_opaque
from provider.oauth.checks import Checks
from provider.oauth.client_authentication.credentials import REFUSED
from provider.oauth.clients.clients import Client
from provider.oauth.errors import InvalidClientError, InvalidRequestError
from provider.oauth.sender_constraint.confirmation import Confirmation
from provider.oauth.sender_constraint.store import Proof
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.grants import Grant
from provider.oauth.tokens.store.refresh_tokens import RefreshToken
from provider.ratelimits import LIMITS, fail, of_network
from provider.work import UnitOfWork

REFRESH_TOKEN = "refresh_token"  # noqa: S105  # the grant type a client must be registered for to get one


@dataclass(frozen=True)
class TokenRequest:
    """A request to the token endpoint whose client is authenticated (RFC 6749 section 3.2)."""

    work: UnitOfWork
    server: AuthorizationServer
    client: Client
    form: Mapping[str, str]
    checks: Checks
    confirmation: Confirmation | None = None
    """The key whose possession the request proves."""
    proof: Proof | None = None
    """The DPoP proof that proves it."""

    def required(self, name: str, section: str) -> str:
        """Return a required parameter. Raises InvalidRequestError if it is missing."""
        return self.checks.found(
            self.form.get(name),
            f"The request has {name}",
            section=section,
            error=InvalidRequestError,
            description=f"{name} is missing",
            expected=f"{name} in the form body",
            got=f"no {name}",
            fix=f"Send {name} in the form body of the request.",
        )

    def require_enabled(self) -> None:
        """Check that the client was not deleted or disabled a moment ago: authentication used a copy of it.

        Only for requests that read or write nothing together with the client. Raises InvalidClientError.
        """
        if not self.server.clients.is_enabled(self.work, self.client.client_id):
            self.checks.refuse(
                "The client is registered and enabled",
                section="RFC 6749 section 2.3",
                error=InvalidClientError,
                description=REFUSED,
                expected="an enabled client",
                got="a client that was deleted or disabled a moment ago",
                fix="Enable the client with `signet client enable CLIENT_ID`. If it was deleted, register it again.",
            )

    def whose(self, owner: str | None) -> str:
        """Describe for an explanation which client a code or token was issued to. `owner` is None if it is unknown."""
        if owner is None:
            return "an unknown or deleted one"
        return "one issued to this client" if owner == self.client.client_id else "one issued to another client"

    def count_unknown(self, kind: str) -> None:
        """Count a code or token that was never issued. Raises TooManyRequests if many came.

        They count per network. Those of a client that authenticated count for this client and network, with a higher
        limit: what its own users send it must not keep others out.
        """
        client = self.client
        if client.metadata.is_public:
            fail(self.work, LIMITS.guess, key=of_network(self.work, kind))
        else:
            fail(self.work, LIMITS.guess_by_client, key=of_network(self.work, f"{kind}:{client.client_id}"))

    def new_refresh_token(
        self, text: str, grant: Grant, *, generation: int = 1, bound: Confirmation | None = None
    ) -> RefreshToken:
        """Return the row to store for a refresh token. `bound` is the key that its predecessor is bound to.

        A public client has to prove its key from the first proof on (RFC 9449 section 5). Others prove who they are
        with each request, and may use another key.

        It expires when it is not used, and at the latest with its family (RFC 9700 section 4.14.2).
        """
        expires_at = min(self.work.now + self.work.settings.refresh_idle_lifetime, grant.expires_at)
        if bound is None and self.confirmation is not None and self.client.metadata.is_public:
            bound = self.confirmation
        return RefreshToken(
            digest=digest(text),
            grant_id=grant.id,
            generation=generation,
            expires_at=expires_at,
            rotated_at=None,
            confirmation=bound,
        )

    def first_refresh_token(self, grant: Grant) -> tuple[str, RefreshToken] | tuple[None, None]:
        """Return the first refresh token of a new family and its row.

        Returns (None, None) for a client that is not registered for refresh tokens.
        """
        if REFRESH_TOKEN not in self.client.metadata.grant_types:
            return None, None
        text = new_opaque()
        return text, self.new_refresh_token(text, grant)
