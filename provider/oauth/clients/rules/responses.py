"""The rules for what a client receives: encrypted responses, and the subjects of its users (OIDC Registration section
2). Pure.
"""

from provider.jose.algorithms import ENCRYPTION_METHODS
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_values import require_one_of
from provider.oauth.clients.rules.keys import check_jwks
from provider.oauth.clients.sectors import PUBLIC, problem_with_uri


def check_response_modes(metadata: ClientMetadata) -> None:
    """Check that the client can be sent a response at all. Raises InvalidMetadata."""
    if not metadata.response_modes:
        raise InvalidMetadata("response_modes must have at least one value.")


def check_encryption(metadata: ClientMetadata) -> None:
    """Check that each response to be encrypted can be: ID tokens, userinfo, introspection (RFC 9701 section 6) and
    authorization responses (JARM section 3). Raises InvalidMetadata.
    """
    for response in ("id_token", "userinfo", "introspection", "authorization"):
        name, method_name = f"{response}_encrypted_response_alg", f"{response}_encrypted_response_enc"
        alg, enc = getattr(metadata, name), getattr(metadata, method_name)
        if alg is None:
            if enc is not None:
                raise InvalidMetadata(f"{method_name} requires {name}.")
            continue
        # Without enc it would be A128CBC-HS256 (OIDC Registration section 2), which is not supported here.
        require_one_of(method_name, enc or "A128CBC-HS256", ENCRYPTION_METHODS)
        if metadata.jwks is None and metadata.jwks_uri is None:
            raise InvalidMetadata(f"{name} requires jwks or jwks_uri.")
        if metadata.jwks is not None:
            check_jwks(metadata.jwks, encryption=alg)


def check_subjects(metadata: ClientMetadata) -> None:
    """Check that a pairwise client has a sector (OIDC Core section 8.1). Raises InvalidMetadata."""
    sector_uri = metadata.sector_identifier_uri
    if sector_uri is not None and (problem := problem_with_uri(sector_uri)) is not None:
        raise InvalidMetadata(f"sector_identifier_uri {problem}.")
    if metadata.subject_type != PUBLIC and metadata.sector is None:
        raise InvalidMetadata("subject_type pairwise requires redirect_uris of one host, or a sector_identifier_uri.")
