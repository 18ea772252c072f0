"""The grant types the token endpoint supports, each with the function that redeems it."""

from provider.oauth.grants import (
    authorization_code,
    ciba,
    client_credentials,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)

GRANTS = {
    grant.GRANT_TYPE: grant.redeem
    for grant in (
        authorization_code,
        refresh_token,
        client_credentials,
        device_code,
        ciba,
        token_exchange,
        jwt_bearer,
    )
}
"""The function for each grant type. The discovery document lists the same names."""

SPEND_PROOF = frozenset({refresh_token.GRANT_TYPE})
"""The grant types that spend the DPoP proof of a request themselves, whatever becomes of it."""
