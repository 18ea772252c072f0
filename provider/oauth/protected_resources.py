"""Our own APIs as protected resources (RFC 9728): the metadata of each, and its URL."""

from typing import Any

from provider.jose.algorithms import DPOP_SIGNATURES, SIGNING_ALGORITHMS
from provider.oauth.scopes import (
    ACCOUNT,
    ADMIN_READ,
    ADMIN_WRITE,
    GROUPS,
    OPENID,
    ROLES,
    SCIM,
    SCOPES,
    SSF_MANAGE,
    SSF_READ,
)
from provider.urls import origin_of

WELL_KNOWN = "/.well-known/oauth-protected-resource"
USERINFO = "/oauth2/userinfo"
SCOPES_OF_RESOURCE: dict[str, tuple[str, ...]] = {
    "": SCOPES,
    USERINFO: (OPENID, "profile", "email", "address", "phone", ROLES, GROUPS),
    "/api/account": (ACCOUNT,),
    "/api/admin": (ADMIN_READ, ADMIN_WRITE),
    "/scim/v2": (SCIM,),
    "/ssf": (SSF_MANAGE, SSF_READ),
}
"""The scopes of each resource, by its path below the issuer. The first is this installation, the usual audience of
access tokens.
"""


def resource_metadata(issuer: str, path: str, *, has_mutual_tls: bool = False) -> dict[str, Any]:
    """Return the metadata of a resource (RFC 9728 section 2)."""
    metadata: dict[str, Any] = {
        "resource": issuer + path,
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES_OF_RESOURCE[path]),
        "bearer_methods_supported": ["header", "body"] if path == USERINFO else ["header"],
        "dpop_signing_alg_values_supported": list(DPOP_SIGNATURES),
    }
    if path == USERINFO:  # it signs answers for clients that are registered for it
        metadata["jwks_uri"] = f"{issuer}/oauth2/jwks"
        metadata["resource_signing_alg_values_supported"] = list(SIGNING_ALGORITHMS)
    if has_mutual_tls:
        metadata["tls_client_certificate_bound_access_tokens"] = True
    return metadata


def metadata_url(issuer: str, path: str) -> str | None:
    """Return the metadata URL of the resource that this path belongs to.

    The well-known part goes between host and path (RFC 9728 section 3.1). Returns None for paths that do not take our
    access tokens.
    """
    resource = next((each for each in SCOPES_OF_RESOURCE if each and f"{path}/".startswith(f"{each}/")), None)
    if resource is None:
        return None
    origin = origin_of(issuer) or issuer
    return f"{origin}{WELL_KNOWN}{issuer.removeprefix(origin)}{resource}"
