"""The registration rules of the profiles of FAPI 2.0, and of clients that must sign their requests. Pure.

See FAPI 2.0 Security Profile sections 5.3.2.1, 5.3.2.2 and 5.4.1, and Message Signing sections 5.3 to 5.5.
"""

from datetime import timedelta

from provider.config.settings import Settings
from provider.oauth.clients.choices import CERTIFICATE_METHODS, DEVICE_CODE, PRIVATE_KEY_JWT
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.response_types import IMPLICIT

LONGEST_CODE = timedelta(seconds=60)
"""The longest lifetime of an authorization code (Security Profile section 5.3.2.1)."""
LONGEST_PUSHED_REQUEST = timedelta(seconds=599)
"""The longest lifetime of a pushed request, which must be less than 600 seconds (Security Profile section 5.3.2.2)."""
METHODS = (PRIVATE_KEY_JWT, *CERTIFICATE_METHODS)
"""The methods of client authentication that the profile allows."""


def problem_with(metadata: ClientMetadata) -> str | None:
    """Return what the FAPI 2.0 profile of a client does not allow in its metadata, or None.

    Whether a token request is bound to a key or a certificate is checked when it comes.
    """
    if not metadata.is_fapi2:
        return None
    profile = f"profile {metadata.profile}"
    if metadata.token_endpoint_auth_method not in METHODS:
        return f"{profile} requires token_endpoint_auth_method {', '.join(METHODS[:-1])} or {METHODS[-1]}"
    if not metadata.require_pkce:
        return f"{profile} requires require_pkce"
    if IMPLICIT in metadata.grant_types:
        return f"{profile} does not allow the grant type implicit"
    if metadata.authorization_challenge:
        return f"{profile} does not allow authorization_challenge, whose requests are not pushed"
    signing = (
        metadata.id_token_signed_response_alg,
        metadata.userinfo_signed_response_alg,
        metadata.introspection_signed_response_alg,
        metadata.authorization_signed_response_alg,
        metadata.token_endpoint_auth_signing_alg,
        metadata.request_object_signing_alg,
        metadata.backchannel_authentication_request_signing_alg,
    )
    if "RS256" in signing:
        return f"{profile} does not allow RS256"
    if metadata.signs_messages and "authorization_code" in metadata.grant_types and not metadata.usable_response_modes:
        return f"{profile} requires response_modes with a signed response, such as query.jwt"
    return None


def problem_with_signing(metadata: ClientMetadata) -> str | None:
    """Return why a client that must sign its authorization requests cannot (RFC 9101 section 10.5), or None."""
    if not metadata.must_sign_requests:
        return None
    why = f"profile {metadata.profile}" if metadata.signs_messages else "require_signed_request_object"
    if metadata.jwks is None and metadata.jwks_uri is None:
        return f"{why} requires jwks or jwks_uri, with the key that signs requests"
    if metadata.authorization_challenge:
        return f"{why} does not allow authorization_challenge, whose requests are not signed"
    if DEVICE_CODE in metadata.grant_types:
        return f"{why} does not allow the grant type {DEVICE_CODE}, whose requests are not signed"
    return None


def check_fapi2(metadata: ClientMetadata) -> None:
    """Raise InvalidMetadata if the client cannot keep its profile, or cannot sign requests though it must."""
    problem = problem_with(metadata) or problem_with_signing(metadata)
    if problem is not None:
        raise InvalidMetadata(f"{problem}.")


def code_lifetime_of(settings: Settings, metadata: ClientMetadata) -> timedelta:
    """Return how long an authorization code of this client is valid."""
    return min(settings.code_lifetime, LONGEST_CODE) if metadata.is_fapi2 else settings.code_lifetime


def pushed_request_lifetime_of(settings: Settings, metadata: ClientMetadata) -> timedelta:
    """Return how long a pushed request of this client is valid."""
    longest = settings.pushed_request_lifetime
    return min(longest, LONGEST_PUSHED_REQUEST) if metadata.is_fapi2 else longest
