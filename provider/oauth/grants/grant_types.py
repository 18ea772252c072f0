"""The grant types the token endpoint supports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provider.oauth.grants import (
    authorization_code,
    ciba,
    client_credentials,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)
from provider.oauth.grants.request import TokenRequest


@dataclass(frozen=True)
class GrantType:
    redeem: Callable[[TokenRequest], dict[str, Any]]
    """Returns the token response, or raises an OAuth2Error."""
    spends_proof: bool = False
    """Whether `redeem` spends the DPoP proof of the request, whatever becomes of it."""


GRANTS: Mapping[str, GrantType] = {
    authorization_code.GRANT_TYPE: GrantType(authorization_code.redeem),
    refresh_token.GRANT_TYPE: GrantType(refresh_token.redeem, spends_proof=True),
    client_credentials.GRANT_TYPE: GrantType(client_credentials.redeem),
    device_code.GRANT_TYPE: GrantType(device_code.redeem),
    ciba.GRANT_TYPE: GrantType(ciba.redeem),
    token_exchange.GRANT_TYPE: GrantType(token_exchange.redeem),
    jwt_bearer.GRANT_TYPE: GrantType(jwt_bearer.redeem),
}
"""The grant types by name. The discovery document lists the same names."""
