"""A token request after the client was authenticated: what every grant gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from provider.oauth.checks import Checks
from provider.oauth.clients import Client
from provider.oauth.errors import InvalidRequestError
from provider.oauth.server import AuthorizationServer
from provider.work import UnitOfWork


@dataclass(frozen=True)
class TokenRequest:
    """RFC 6749 section 3.2."""

    work: UnitOfWork
    server: AuthorizationServer
    client: Client
    form: Mapping[str, str]
    checks: Checks

    def required(self, name: str, section: str) -> str:
        """A parameter that must be there. Raises InvalidRequestError."""
        value = self.form.get(name)
        self.checks.require(
            value is not None,
            f"{name} is present",
            section=section,
            error=InvalidRequestError,
            description=f"{name} is missing",
            got="nothing",
        )
        return str(value)

    def whose(self, owner: str | None) -> str:
        """Of a code or token, for an explanation: the client it was issued to, if it is known at all."""
        if owner is None:
            return "an unknown one"
        return "one of this client" if owner == self.client.client_id else "another client's"
