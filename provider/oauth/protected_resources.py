"""Our own APIs as protected resources (RFC 9728): what each says about itself, and where that is to be found."""

from typing import Any

from provider.jose.algorithms import SIGNING_ALGORITHMS
from provider.oauth.scopes import ACCOUNT, ADMIN_READ, ADMIN_WRITE, OPENID, ROLES, SCOPES

WELL_KNOWN = "/.well-known/oauth-protected-resource"
USERINFO = "/oauth2/userinfo"
SCOPES_OF_RESOURCE: dict[str, tuple[str, ...]] = {
    "": SCOPES,
    USERINFO: (OPENID, "profile", "email", "address", "phone", ROLES),
    "/api/account": (ACCOUNT,),
    "/api/admin": (ADMIN_READ, ADMIN_WRITE),
}
"""By path below the issuer; the first is the audience of every access token, this installation."""


def resource_metadata(issuer: str, path: str) -> dict[str, Any]:
    """Section 2."""
    metadata: dict[str, Any] = {
        "resource": issuer + path,
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES_OF_RESOURCE[path]),
        "bearer_methods_supported": ["header", "body"] if path == USERINFO else ["header"],
    }
    if path == USERINFO:  # it signs answers for clients that are registered for it
        metadata["jwks_uri"] = f"{issuer}/oauth2/jwks"
        metadata["resource_signing_alg_values_supported"] = list(SIGNING_ALGORITHMS)
    return metadata


def metadata_url(issuer: str, path: str) -> str | None:
    """Of the resource that this path belongs to: the well-known part goes between host and path (section 3.1). None
    where something else than our access tokens is taken.
    """
    resource = next((each for each in SCOPES_OF_RESOURCE if each and f"{path}/".startswith(f"{each}/")), None)
    return None if resource is None else f"{issuer}{WELL_KNOWN}{resource}"
