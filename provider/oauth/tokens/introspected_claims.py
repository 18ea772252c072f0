"""What introspection says about an active access token (RFC 7662 section 2.2)."""

from collections.abc import Mapping
from typing import Any

from provider.oauth.claim_mapping.declarations import Place
from provider.oauth.sender_constraint.confirmation import from_claim, token_type_of
from provider.oauth.tokens.server import AuthorizationServer
from provider.oauth.tokens.store.people import Person
from provider.work import UnitOfWork

SHOWN = (
    "scope",
    "client_id",
    "sub",
    "aud",
    "iss",
    "exp",
    "iat",
    "jti",
    "sid",
    "acr",
    "amr",
    "auth_time",
    "roles",
    "groups",
    "hasroles",
    "hasgroups",
    "act",
    "cnf",
)
"""The claims of an access token that introspection shows as they are."""


def introspected_claims(
    work: UnitOfWork, server: AuthorizationServer, claims: Mapping[str, Any], person: Person | None
) -> dict[str, Any]:
    """Return the members about a token with these claims: those of the token, and those mapped for introspection, which
    are the user's as they are now. Without a person, only the token's and constants.
    """
    bound = from_claim(claims.get("cnf")) if "cnf" in claims else None
    token_type = "Bearer" if bound is None else token_type_of(bound)
    answer = {"active": True, "token_type": token_type, **{name: claims[name] for name in SHOWN if name in claims}}
    scope = str(claims.get("scope", "")).split()
    return server.claim_mappings.add_to(
        work, answer, Place.INTROSPECTION, person=person, client_id=str(claims["client_id"]), scope=scope
    )
