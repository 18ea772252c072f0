"""The registration rules of the profiles of FAPI 2.0, and of clients that must sign their requests. Pure."""

from provider.oauth.clients.metadata import (
    DEVICE_CODE,
    FAPI2_MESSAGE_SIGNING,
    PRIVATE_KEY_JWT,
    ClientMetadata,
    InvalidMetadata,
)
from provider.oauth.response_types import IMPLICIT


def check_fapi2(metadata: ClientMetadata) -> None:
    """Check the registration rules of FAPI 2.0 (Security Profile sections 5.3.2.1, 5.3.2.2 and 5.4.1)."""
    if metadata.token_endpoint_auth_method != PRIVATE_KEY_JWT or not metadata.require_pkce:
        raise InvalidMetadata(
            f"profile {metadata.profile} requires token_endpoint_auth_method private_key_jwt and require_pkce."
        )
    if IMPLICIT in metadata.grant_types:
        raise InvalidMetadata(f"profile {metadata.profile} does not allow the grant type implicit.")
    signing = (
        metadata.id_token_signed_response_alg,
        metadata.userinfo_signed_response_alg,
        metadata.introspection_signed_response_alg,
        metadata.authorization_signed_response_alg,
        metadata.token_endpoint_auth_signing_alg,
        metadata.request_object_signing_alg,
    )
    if "RS256" in signing:
        raise InvalidMetadata(f"profile {metadata.profile} does not allow RS256.")
    if metadata.signs_messages:
        _check_message_signing(metadata)


def check_signing(metadata: ClientMetadata) -> None:
    """Check that a client that must sign its authorization requests can (RFC 9101 section 10.5)."""
    why = f"profile {metadata.profile}" if metadata.signs_messages else "require_signed_request_object"
    if metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata(f"{why} requires jwks or jwks_uri, with the key that signs requests.")
    if metadata.authorization_challenge:
        raise InvalidMetadata(f"{why} does not allow authorization_challenge, whose requests are not signed.")
    if DEVICE_CODE in metadata.grant_types:
        raise InvalidMetadata(f"{why} does not allow the grant type {DEVICE_CODE}, whose requests are not signed.")


def _check_message_signing(metadata: ClientMetadata) -> None:
    """Check the rules of FAPI 2.0 Message Signing sections 5.3 to 5.5."""
    if "authorization_code" in metadata.grant_types and not metadata.usable_response_modes:
        raise InvalidMetadata(
            f"profile {FAPI2_MESSAGE_SIGNING} requires response_modes with a signed response, such as query.jwt."
        )
