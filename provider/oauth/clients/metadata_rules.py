"""The rules for valid client metadata (RFC 7591 section 2, OIDC Registration section 2). Pure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from provider.config.uri_schemes import problem_with_scheme
from provider.jose.algorithms import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNATURES, SIGNING_ALGORITHMS
from provider.oauth.clients import assertion_rules
from provider.oauth.clients.backchannel_authentication import check_backchannel_authentication
from provider.oauth.clients.certificate_rules import check_certificates
from provider.oauth.clients.choices import (
    ASSERTION_ALGORITHMS,
    AUTH_METHODS,
    CIBA,
    DEVICE_CODE,
    GRANT_TYPES,
    JWT_BEARER,
    PRIVATE_KEY_JWT,
    PROFILES,
    TOKEN_EXCHANGE,
)
from provider.oauth.clients.details_types import check_details_types
from provider.oauth.clients.email_pages import check_email_pages
from provider.oauth.clients.fapi2_rules import check_fapi2
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata, load_metadata
from provider.oauth.clients.metadata_values import check_allowed, require_types, with_clean_names, without_nothing
from provider.oauth.clients.origins import normal_origins, problem_with_origin
from provider.oauth.clients.protected_sites.sites import check_sites, with_sites
from provider.oauth.clients.redirect_uris import NO_DOT, problem_with
from provider.oauth.clients.resources import normalize, problem_with_identifier
from provider.oauth.clients.scope_descriptions import clean_descriptions
from provider.oauth.clients.sectors import PUBLIC, SUBJECT_TYPES, problem_with_uri
from provider.oauth.response_types import (
    IMPLICIT,
    RESPONSE_TYPES,
    ResponseMode,
    grant_types_of,
    is_one_of,
    parse_response_type,
)
from provider.oauth.scopes import is_scope_token, parse_scope
from provider.oauth.syntax import LONGEST_REQUEST_URI
from provider.saved_settings.upstreams import KEY
from provider.sessions.assurance import ACR_VALUES, REQUIRED_FACTORS
from provider.urls import web_origin_of

LONGEST_SCOPE = 2000
"""The longest scope that a grant can store, in characters."""
LONGEST_MAX_AGE = 10**9
"""The largest default_max_age in seconds: some thirty years."""


def parse_metadata(given: Mapping[str, Any]) -> ClientMetadata:
    """Parse metadata from a request. Members without a value have their defaults (`metadata_values`). Raises
    InvalidMetadata, which says what is wrong.
    """
    sent = without_nothing(given)
    require_types(sent)
    return check_metadata(load_metadata(sent))


def check_metadata(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata as it is stored: with clean names and descriptions, and origins as browsers write them.

    Raises InvalidMetadata for metadata that this server does not support.
    """
    metadata = replace(
        with_clean_names(with_sites(metadata)),
        allowed_origins=normal_origins(metadata.allowed_origins),
        scope_descriptions=clean_descriptions(metadata),
    )
    check_sites(metadata)
    for method in metadata.auth_methods:
        _one_of("token_endpoint_auth_method", method, AUTH_METHODS)
    _one_of("id_token_signed_response_alg", metadata.id_token_signed_response_alg, SIGNING_ALGORITHMS)
    _one_of("application_type", metadata.application_type, ("web", "native"))
    _one_of("profile", metadata.profile, PROFILES)
    _one_of("required_factor", metadata.required_factor, tuple(REQUIRED_FACTORS))
    for acr in metadata.default_acr_values:
        _one_of("default_acr_values", acr, ACR_VALUES)
    for grant_type in metadata.grant_types:
        _one_of("grant_types", grant_type, GRANT_TYPES)
    for response_mode in metadata.response_modes:
        _one_of("response_modes", response_mode, tuple(ResponseMode))
    if not metadata.response_modes:
        raise InvalidMetadata("response_modes must have at least one value.")
    _check_redirect_uris(metadata)
    _check_response_types(metadata)
    for grant_type in ("client_credentials", TOKEN_EXCHANGE, CIBA, JWT_BEARER):
        if metadata.is_public and grant_type in metadata.grant_types:
            raise InvalidMetadata(f"grant_types cannot include {grant_type} for a public client.")
    signing_in = ("authorization_code", DEVICE_CODE, CIBA)
    if "refresh_token" in metadata.grant_types and not set(signing_in) & set(metadata.grant_types):
        raise InvalidMetadata(f"grant_types includes refresh_token, which needs one of {', '.join(signing_in)}.")
    if metadata.authorization_challenge and not metadata.first_party:
        raise InvalidMetadata("authorization_challenge requires first_party, because the app sees passwords.")
    if metadata.authorization_challenge and "authorization_code" not in metadata.grant_types:
        raise InvalidMetadata("authorization_challenge requires the grant type authorization_code.")
    if metadata.is_public and not metadata.require_pkce:
        raise InvalidMetadata("require_pkce must be true, because public clients must use PKCE.")
    for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri"):
        uri = getattr(metadata, name)
        if uri is not None and (problem_with(uri) is not None or urlsplit(uri).scheme not in {"https", "http"}):
            raise InvalidMetadata(f"{name} must be an http or https URL, not {uri[:120]!r}.")
    starts_at = metadata.initiate_login_uri
    if starts_at is not None and (problem_with(starts_at) is not None or urlsplit(starts_at).scheme != "https"):
        raise InvalidMetadata(
            f"initiate_login_uri must be an https URL, not {starts_at[:120]!r}."
        )  # OIDC Core section 4
    if len(metadata.scope) > LONGEST_SCOPE or not all(is_scope_token(token) for token in parse_scope(metadata.scope)):
        raise InvalidMetadata(
            f"scope must have at most {LONGEST_SCOPE} characters, and no quotation marks or backslashes."
        )
    if metadata.dpop_bound_access_tokens and IMPLICIT in metadata.grant_types:
        raise InvalidMetadata(
            "dpop_bound_access_tokens does not allow the grant type implicit, whose tokens are bound to no key."
        )
    check_details_types(metadata)
    check_allowed(metadata)
    _check_origins(metadata)
    check_email_pages(metadata, may_be_local=True)
    _check_resources(metadata)
    if (problem := assertion_rules.problem_with(metadata)) is not None:
        raise InvalidMetadata(f"{problem}.")
    _check_keys(metadata)
    _check_responses(metadata)
    _check_logout(metadata)
    if metadata.default_max_age is not None and metadata.default_max_age > LONGEST_MAX_AGE:
        raise InvalidMetadata(f"default_max_age must be at most {LONGEST_MAX_AGE} seconds.")
    return check_backchannel_authentication(metadata)


def _check_redirect_uris(metadata: ClientMetadata) -> None:
    """Check the redirect URIs. This runs before other checks, which rely on each being a URI."""
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
        uris = getattr(metadata, name)
        if len(uris) > 50:
            raise InvalidMetadata(f"{name} can have at most 50 URIs, not {len(uris)}.", error="invalid_redirect_uri")
        for uri in uris:
            problem = problem_with(uri, schemes=metadata.private_use_schemes)
            if problem is not None:
                hint = " An operator can allow it with private_use_schemes." if problem == NO_DOT else ""
                raise InvalidMetadata(f"{name}: {uri[:120]!r} {problem}.{hint}", error="invalid_redirect_uri")


def _check_origins(metadata: ClientMetadata) -> None:
    """Check the origins of the client's pages beside those of its redirect URIs."""
    if len(metadata.allowed_origins) > 50:
        raise InvalidMetadata(f"allowed_origins can have at most 50 origins, not {len(metadata.allowed_origins)}.")
    for origin in metadata.allowed_origins:
        if (problem := problem_with_origin(origin)) is not None:
            raise InvalidMetadata(f"allowed_origins: {origin[:200]!r} {problem}.")


def _check_resources(metadata: ClientMetadata) -> None:
    """Check the client's identifiers as an API, and the APIs it may call for a user (RFC 8707 section 2, RFC 8693)."""
    for name in ("resource_identifiers", "exchange_targets"):
        uris = getattr(metadata, name)
        for uri in uris:
            if problem_with_identifier(uri) is not None:
                raise InvalidMetadata(f"{name}: {uri[:200]!r} {problem_with_identifier(uri)}.")
        if len({normalize(uri) for uri in uris}) != len(uris):
            raise InvalidMetadata(f"{name}: two of the URIs are the same resource.")
    for key in metadata.upstream_tokens:
        if KEY.fullmatch(key) is None:
            raise InvalidMetadata(f"upstream_tokens: {key[:60]!r} is not the key of an upstream provider.")
        if len(uris) > 20:
            raise InvalidMetadata(f"{name} can have at most 20 URIs, not {len(uris)}.")


def _check_responses(metadata: ClientMetadata) -> None:
    """Check how the client receives claims about users, and which subjects it sees (OIDC Registration section 2)."""
    if metadata.userinfo_signed_response_alg is not None:
        _one_of("userinfo_signed_response_alg", metadata.userinfo_signed_response_alg, SIGNING_ALGORITHMS)
    if metadata.introspection_signed_response_alg is not None:  # RFC 9701 section 6
        _one_of("introspection_signed_response_alg", metadata.introspection_signed_response_alg, SIGNING_ALGORITHMS)
    if metadata.authorization_signed_response_alg is not None:  # JARM section 3
        _one_of("authorization_signed_response_alg", metadata.authorization_signed_response_alg, SIGNING_ALGORITHMS)
    for response in ("id_token", "userinfo", "introspection", "authorization"):
        _check_encryption(metadata, f"{response}_encrypted_response_alg", f"{response}_encrypted_response_enc")
    _one_of("subject_type", metadata.subject_type, SUBJECT_TYPES)
    sector_uri = metadata.sector_identifier_uri
    if sector_uri is not None and problem_with_uri(sector_uri) is not None:
        raise InvalidMetadata(f"sector_identifier_uri {problem_with_uri(sector_uri)}.")
    if metadata.subject_type != PUBLIC and metadata.sector is None:
        raise InvalidMetadata("subject_type pairwise requires redirect_uris of one host, or a sector_identifier_uri.")


def _check_logout(metadata: ClientMetadata) -> None:
    """Check the URLs notified of a logout (Back-Channel Logout section 2.2, Front-Channel Logout section 2)."""
    back, front = metadata.backchannel_logout_uri, metadata.frontchannel_logout_uri
    if back is not None and not _is_url(back):
        raise InvalidMetadata(f"backchannel_logout_uri must be an https URL without a fragment, not {back[:120]!r}.")
    if front is not None and (problem_with(front) is not None or web_origin_of(front) not in metadata.redirect_origins):
        raise InvalidMetadata(
            "frontchannel_logout_uri must be an https URL with the scheme, host and port of a redirect URI."
        )


def _check_response_types(metadata: ClientMetadata) -> None:
    """Check that front-channel response types match the grant types and redirect URIs (OIDC Registration section 2)."""
    for text in metadata.response_types:
        response_type = parse_response_type(text)
        if not is_one_of(response_type, RESPONSE_TYPES):
            _one_of("response_types", text, RESPONSE_TYPES)
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


def _check_keys(metadata: ClientMetadata) -> None:
    """Check the client's public keys and what it signs with them (RFC 7591 section 2, OIDC Registration section 2)."""
    method = metadata.token_endpoint_auth_method
    if metadata.jwks is not None and metadata.jwks_uri is not None:
        raise InvalidMetadata("jwks and jwks_uri cannot be registered together.")
    if method == PRIVATE_KEY_JWT and metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata("token_endpoint_auth_method private_key_jwt requires jwks or jwks_uri.")
    if metadata.jwks is not None:
        try:
            json.dumps(metadata.jwks, allow_nan=False)
        except (ValueError, TypeError):  # from TOML, which has dates, and numbers that JSON lacks
            raise InvalidMetadata("jwks contains a value that JSON does not allow.") from None
        _check_jwks(metadata.jwks)
    if metadata.jwks_uri is not None and not _is_url(metadata.jwks_uri):
        raise InvalidMetadata(f"jwks_uri must be an https URL, not {metadata.jwks_uri[:120]!r}.")
    if not all(_is_url(uri.replace("#", "", 1)) for uri in metadata.request_uris):  # one fragment is fine: a hash
        raise InvalidMetadata("request_uris must be https URLs, with at most one fragment.")
    if len(metadata.request_uris) > 50 or any(len(uri) > LONGEST_REQUEST_URI for uri in metadata.request_uris):
        raise InvalidMetadata(f"request_uris can have at most 50 URLs of at most {LONGEST_REQUEST_URI} characters.")
    if metadata.token_endpoint_auth_signing_alg is not None:
        algorithms = ASSERTION_ALGORITHMS.get(method or "", ())
        _one_of("token_endpoint_auth_signing_alg", metadata.token_endpoint_auth_signing_alg, algorithms)
    if metadata.request_object_signing_alg is not None:
        _one_of("request_object_signing_alg", metadata.request_object_signing_alg, SIGNATURES)
    check_certificates(metadata)
    check_fapi2(metadata)


def _check_jwks(jwks: object, *, encryption: str | None = None) -> None:
    """Check a key set, and that it has a key for this encryption algorithm."""
    from provider.jose.encryption import choose_key  # noqa: PLC0415  # loads joserfc, and most clients have no keys
    from provider.jose.key_sets import InvalidKey, parse_jwks  # noqa: PLC0415

    try:
        keys = parse_jwks(jwks)
    except InvalidKey as problem:
        raise InvalidMetadata(f"jwks {problem}.") from None
    if encryption is not None and choose_key(keys, encryption) is None:
        raise InvalidMetadata(f"jwks contains no key for {encryption} with use enc or without use.")


def _is_url(uri: str) -> bool:
    """Return whether this is a URL that may be requested. `clients` decides where plain http is allowed."""
    scheme, _, rest = uri.partition("://")
    return scheme in {"https", "http"} and problem_with(f"https://{rest}") is None


def _check_encryption(metadata: ClientMetadata, name: str, method_name: str) -> None:
    """Check the encryption members of one kind of response (OIDC Registration section 2)."""
    alg, enc = getattr(metadata, name), getattr(metadata, method_name)
    if alg is None:
        if enc is not None:
            raise InvalidMetadata(f"{method_name} requires {name}.")
        return
    _one_of(name, alg, ENCRYPTION_ALGORITHMS)
    # Without enc it would be A128CBC-HS256 (OIDC Registration section 2), which is not supported here.
    _one_of(method_name, enc or "A128CBC-HS256", ENCRYPTION_METHODS)
    if metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata(f"{name} requires jwks or jwks_uri.")
    if metadata.jwks is not None:
        _check_jwks(metadata.jwks, encryption=alg)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidMetadata(f"{name} must be one of {', '.join(allowed)}, not {value[:60]!r}.")
