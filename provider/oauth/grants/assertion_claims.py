"""What an assertion of a trusted issuer says beside its user: the client that it is for, and what limits it."""

from typing import Any

from provider.oauth.errors import InvalidGrantError
from provider.oauth.grants.request import TokenRequest

SECTION = "ID-JAG draft-03 section 4.4.1"


def require_client(request: TokenRequest, claims: dict[str, Any], *, is_id_jag: bool) -> None:
    """Check that the assertion is for the client that sends it. An ID-JAG always names its client."""
    named, client_id = claims.get("client_id"), request.client.client_id
    request.checks.require(
        named == client_id or (named is None and not is_id_jag),
        "The assertion is for the client that sent it",
        section=SECTION,
        error=InvalidGrantError,
        description="client_id of the assertion is another client",
        expected=client_id,
        got=named if isinstance(named, str) else "no client_id",
        fix="At the issuer, set the client_id that this client has here.",
    )


def require_types(request: TokenRequest, claims: dict[str, Any]) -> None:
    """Check that what limits an ID-JAG is text, and `resource` perhaps a list: otherwise it would limit nothing."""
    scope, named = claims.get("scope"), claims.get("resource")
    resources = named if isinstance(named, list) and named else ["" if named is None else named]
    odd = [] if isinstance(scope, str | None) else ["scope"]
    odd += [] if all(isinstance(one, str) for one in resources) else ["resource"]
    request.checks.require(
        not odd,
        "scope and resource of the assertion have the right types",
        section=SECTION,
        error=InvalidGrantError,
        description=f"These claims of the assertion have a wrong type: {', '.join(odd)}",
        expected="text for scope; text or a list of texts for resource",
        got=", ".join(odd),
        fix="At the issuer, correct the type of these claims.",
    )
