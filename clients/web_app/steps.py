"""Step-up: an API says that the sign-in behind a token is too weak or too old (RFC 9470), we ask for a better one."""

import re
from dataclasses import dataclass

import httpx2

_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True)
class Challenge:
    """What a `WWW-Authenticate: Bearer` header asks for (RFC 6750 section 3, RFC 9470 section 3)."""

    error: str
    description: str
    acr_values: str | None
    max_age: str | None

    @property
    def is_step_up(self) -> bool:
        return self.error == "insufficient_user_authentication"

    def as_authorization_parameters(self) -> dict[str, str]:
        """Return the parameters for a new authorization request (RFC 9470 section 4)."""
        wanted = {"acr_values": self.acr_values, "max_age": self.max_age}
        return {name: value for name, value in wanted.items() if value is not None}


def challenge_of(response: httpx2.Response) -> Challenge | None:
    """Return the bearer challenge of a rejected API call, or None."""
    scheme, _, rest = response.headers.get("www-authenticate", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    given = dict(_PARAMETER.findall(rest))
    return Challenge(
        given.get("error", ""), given.get("error_description", ""), given.get("acr_values"), given.get("max_age")
    )
