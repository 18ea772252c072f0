"""The registration rules of the profile FAPI 2.0. Pure."""

from provider.oauth.clients.metadata import PRIVATE_KEY_JWT, ClientMetadata, InvalidMetadata
from provider.oauth.response_types import IMPLICIT


def check_fapi2(metadata: ClientMetadata) -> None:
    """Check the registration rules of FAPI 2.0 (Security Profile sections 5.3.2.1, 5.3.2.2 and 5.4.1)."""
    if metadata.token_endpoint_auth_method != PRIVATE_KEY_JWT or not metadata.require_pkce:
        raise InvalidMetadata("profile fapi2 requires token_endpoint_auth_method private_key_jwt and require_pkce.")
    if IMPLICIT in metadata.grant_types:
        raise InvalidMetadata("profile fapi2 does not allow the grant type implicit.")
    signing = (
        metadata.id_token_signed_response_alg,
        metadata.userinfo_signed_response_alg,
        metadata.introspection_signed_response_alg,
        metadata.authorization_signed_response_alg,
        metadata.token_endpoint_auth_signing_alg,
        metadata.request_object_signing_alg,
    )
    if "RS256" in signing:
        raise InvalidMetadata("profile fapi2 does not allow RS256.")
