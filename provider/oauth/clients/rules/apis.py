"""The rules for a client as an API, and for what it gets for users elsewhere (RFC 8707 section 2, RFC 8693). Pure."""

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.resources import normalize, problem_with_identifier
from provider.saved_settings.upstreams import KEY


def check_resources(metadata: ClientMetadata) -> None:
    """Check the client's identifiers as an API, and the APIs it may call for a user. Raises InvalidMetadata."""
    for name in ("resource_identifiers", "exchange_targets"):
        uris = getattr(metadata, name)
        for uri in uris:
            if (problem := problem_with_identifier(uri)) is not None:
                raise InvalidMetadata(f"{name}: {uri[:200]!r} {problem}.")
        if len({normalize(uri) for uri in uris}) != len(uris):
            raise InvalidMetadata(f"{name}: two of the URIs are the same resource.")


def check_upstream_tokens(metadata: ClientMetadata) -> None:
    """Check the keys of the upstreams whose tokens the client may fetch. Raises InvalidMetadata."""
    for key in metadata.upstream_tokens:
        if KEY.fullmatch(key) is None:
            raise InvalidMetadata(f"upstream_tokens: {key[:60]!r} is not the key of an upstream provider.")
