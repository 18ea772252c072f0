"""Rules for metadata about assertions: which tokens authenticate a client without a secret (RFC 7523 section
2.2), and for which servers it gets an ID-JAG. Pure.
"""

from typing import Any

from provider.oauth.clients.assertion_subjects import FEDERATED_JWT, problem_with_subject
from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata

MOST_SERVERS = 20
LONGEST = 255


def check_assertions(metadata: ClientMetadata) -> None:
    """Check the members about assertions. Raises InvalidMetadata."""
    if (problem := _problem_with(metadata)) is not None:
        raise InvalidMetadata(f"{problem}.")


def _problem_with(metadata: ClientMetadata) -> str | None:
    """Return what is wrong with these members, or None."""
    targets = metadata.exchange_targets or metadata.id_jag_audiences or metadata.upstream_tokens
    if bool(targets) != (TOKEN_EXCHANGE in metadata.grant_types):
        return (
            "exchange_targets, id_jag_audiences or upstream_tokens and the grant type "
            f"{TOKEN_EXCHANGE} must be registered together"
        )
    given = [
        name for name in ("assertion_issuer", "assertion_subjects", "assertion_audience") if getattr(metadata, name)
    ]
    if (problem := _problem_with_audiences(metadata.id_jag_audiences)) is not None:
        return problem
    if metadata.token_endpoint_auth_method != FEDERATED_JWT:
        return f"{given[0]} requires token_endpoint_auth_method {FEDERATED_JWT}" if given else None
    if not metadata.assertion_issuer or not metadata.assertion_subjects:
        return f"token_endpoint_auth_method {FEDERATED_JWT} requires assertion_issuer and assertion_subjects"
    for subject in metadata.assertion_subjects:
        problem = problem_with_subject(subject)
        if problem is not None:
            return f"assertion_subjects: {subject[:120]!r} {problem}"
    for name in ("assertion_issuer", "assertion_audience"):
        value = getattr(metadata, name) or ""
        if len(value) > LONGEST or not value.isascii() or not value.isprintable() or " " in value:
            return f"{name} must have at most {LONGEST} visible ASCII characters"
    return None


def _problem_with_audiences(audiences: dict[str, Any] | None) -> str | None:
    """Return why these servers cannot be the audiences of ID-JAGs, or None."""
    for issuer, client_id in (audiences or {}).items():
        if (
            not issuer.startswith("https://")
            or len(issuer) > LONGEST
            or not (issuer.isascii() and issuer.isprintable())
        ):
            return f"id_jag_audiences: {issuer[:120]!r} must be the https URL of an authorization server"
        if not isinstance(client_id, str) or not 0 < len(client_id) <= LONGEST or not client_id.isprintable():
            return "id_jag_audiences must give the client_id that the client has at each server"
    if len(audiences or {}) > MOST_SERVERS:
        return f"id_jag_audiences can have at most {MOST_SERVERS} servers"
    return None
