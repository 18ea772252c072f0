"""The rules for how a client gets tokens: redirect URIs, response types, grant types and scope. Pure.

See RFC 6749 sections 2.1 and 3.1.2, RFC 7591 section 2 and OIDC Registration section 2.
"""

from urllib.parse import urlsplit

from provider.config.uri_schemes import problem_with_scheme
from provider.oauth.clients.choices import CIBA, DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_values import require_one_of
from provider.oauth.clients.redirect_uris import NO_DOT, problem_with
from provider.oauth.response_types import IMPLICIT, RESPONSE_TYPES, grant_types_of, is_one_of, parse_response_type
from provider.oauth.scopes import is_scope_token, parse_scope

LONGEST_SCOPE = 2000
"""The longest scope that a grant can store, in characters."""
SIGNING_IN = ("authorization_code", DEVICE_CODE, CIBA)
"""The grant types in which a user signs in. Their grants can be refreshed."""
CONFIDENTIAL = ("client_credentials", TOKEN_EXCHANGE, CIBA, JWT_BEARER)
"""The grant types in which the client has to authenticate."""


def check_redirect_uris(metadata: ClientMetadata) -> None:
    """Check the redirect URIs. Other rules rely on each being a URI. Raises InvalidMetadata."""
    for grant_type in ("authorization_code", IMPLICIT):
        if grant_type in metadata.grant_types and not metadata.redirect_uris:
            raise InvalidMetadata(
                f"redirect_uris is required for the grant type {grant_type}.", error="invalid_redirect_uri"
            )
    for scheme in metadata.private_use_schemes:
        problem = problem_with_scheme(scheme)
        if problem is not None:
            raise InvalidMetadata(f"private_use_schemes: {scheme[:60]!r} {problem}.")
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in getattr(metadata, name):
            problem = problem_with(uri, schemes=metadata.private_use_schemes)
            if problem is not None:
                hint = " An operator can allow it with private_use_schemes." if problem == NO_DOT else ""
                raise InvalidMetadata(f"{name}: {uri[:120]!r} {problem}.{hint}", error="invalid_redirect_uri")


def check_response_types(metadata: ClientMetadata) -> None:
    """Check that the response types are supported, and that those of the front channel match the grant types and
    redirect URIs. Raises InvalidMetadata.
    """
    for text in metadata.response_types:
        response_type = parse_response_type(text)
        if not is_one_of(response_type, RESPONSE_TYPES):
            require_one_of("response_types", text, RESPONSE_TYPES)
        missing = grant_types_of(response_type) - set(metadata.grant_types)
        if IMPLICIT in grant_types_of(response_type) and missing:
            raise InvalidMetadata(f"response_types: {text!r} requires the grant type {' and '.join(sorted(missing))}.")
    if IMPLICIT in metadata.grant_types and metadata.application_type == "web":
        for uri in metadata.redirect_uris:
            if urlsplit(uri).scheme != "https" or urlsplit(uri).hostname == "localhost":
                raise InvalidMetadata(
                    f"redirect_uris: {uri[:120]!r} must be https and not localhost for the grant type implicit.",
                    error="invalid_redirect_uri",
                )


def check_grant_types(metadata: ClientMetadata) -> None:
    """Check what the grant types require of the client. Raises InvalidMetadata."""
    for grant_type in CONFIDENTIAL:
        if metadata.is_public and grant_type in metadata.grant_types:
            raise InvalidMetadata(f"grant_types cannot include {grant_type} for a public client.")
    if "refresh_token" in metadata.grant_types and set(SIGNING_IN).isdisjoint(metadata.grant_types):
        raise InvalidMetadata(f"grant_types includes refresh_token, which needs one of {', '.join(SIGNING_IN)}.")
    if metadata.dpop_bound_access_tokens and IMPLICIT in metadata.grant_types:
        raise InvalidMetadata(
            "dpop_bound_access_tokens does not allow the grant type implicit, whose tokens are bound to no key."
        )


def check_own_sign_in(metadata: ClientMetadata) -> None:
    """Check that a client which asks for passwords on its own pages is ours, and gets codes. Raises
    InvalidMetadata.
    """
    if not metadata.authorization_challenge:
        return
    if not metadata.first_party:
        raise InvalidMetadata("authorization_challenge requires first_party, because the app sees passwords.")
    if "authorization_code" not in metadata.grant_types:
        raise InvalidMetadata("authorization_challenge requires the grant type authorization_code.")


def check_pkce(metadata: ClientMetadata) -> None:
    """Check that a public client has to use PKCE (RFC 9700 section 2.1.1). Raises InvalidMetadata."""
    if metadata.is_public and not metadata.require_pkce:
        raise InvalidMetadata("require_pkce must be true, because public clients must use PKCE.")


def check_scope(metadata: ClientMetadata) -> None:
    """Check that the scope is one, and short enough to be stored with a grant. Raises InvalidMetadata."""
    if len(metadata.scope) > LONGEST_SCOPE or not all(is_scope_token(token) for token in parse_scope(metadata.scope)):
        raise InvalidMetadata(
            f"scope must have at most {LONGEST_SCOPE} characters, and no quotation marks or backslashes."
        )
