"""The rules for the client's public keys, and for what it signs with them (RFC 7591 and OIDC Registration, section 2).
Pure.
"""

import json

from provider.oauth.clients.choices import ASSERTION_ALGORITHMS, PRIVATE_KEY_JWT
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_values import require_one_of
from provider.oauth.clients.rules.urls import is_requestable
from provider.oauth.syntax import LONGEST_REQUEST_URI


def check_keys(metadata: ClientMetadata) -> None:
    """Check that the client's keys are usable and in one place, and there if it authenticates with them. Raises
    InvalidMetadata.
    """
    if metadata.jwks is not None and metadata.jwks_uri is not None:
        raise InvalidMetadata("jwks and jwks_uri cannot be registered together.")
    if metadata.token_endpoint_auth_method == PRIVATE_KEY_JWT and metadata.jwks is None and metadata.jwks_uri is None:
        raise InvalidMetadata("token_endpoint_auth_method private_key_jwt requires jwks or jwks_uri.")
    if metadata.jwks is not None:
        try:
            json.dumps(metadata.jwks, allow_nan=False)
        except (ValueError, TypeError):  # from TOML, which has dates, and numbers that JSON lacks
            raise InvalidMetadata("jwks contains a value that JSON does not allow.") from None
        check_jwks(metadata.jwks)
    if metadata.jwks_uri is not None and not is_requestable(metadata.jwks_uri):
        raise InvalidMetadata(f"jwks_uri must be an https URL, not {metadata.jwks_uri[:120]!r}.")


def check_jwks(jwks: object, *, encryption: str | None = None) -> None:
    """Check a key set, and that it has a key for this encryption algorithm. Raises InvalidMetadata."""
    from provider.jose.encryption import choose_key  # noqa: PLC0415  # loads joserfc, and most clients have no keys
    from provider.jose.key_sets import InvalidKey, parse_jwks  # noqa: PLC0415

    try:
        keys = parse_jwks(jwks)
    except InvalidKey as problem:
        raise InvalidMetadata(f"jwks {problem}.") from None
    if encryption is not None and choose_key(keys, encryption) is None:
        raise InvalidMetadata(f"jwks contains no key for {encryption} with use enc or without use.")


def check_request_objects(metadata: ClientMetadata) -> None:
    """Check the URLs of request objects (RFC 9101 section 5.2). Raises InvalidMetadata."""
    if not all(is_requestable(uri.replace("#", "", 1)) for uri in metadata.request_uris):  # one fragment: a hash
        raise InvalidMetadata("request_uris must be https URLs, with at most one fragment.")
    if any(len(uri) > LONGEST_REQUEST_URI for uri in metadata.request_uris):
        raise InvalidMetadata(f"request_uris must be URLs of at most {LONGEST_REQUEST_URI} characters.")


def check_assertion_algorithm(metadata: ClientMetadata) -> None:
    """Check that the client's method of authentication can use the algorithm. Raises InvalidMetadata."""
    name, alg = "token_endpoint_auth_signing_alg", metadata.token_endpoint_auth_signing_alg
    if alg is not None:
        require_one_of(name, alg, ASSERTION_ALGORITHMS.get(metadata.token_endpoint_auth_method or "", ()))
