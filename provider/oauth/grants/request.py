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
