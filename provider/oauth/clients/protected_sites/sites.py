"""The sites that a client protects by forward authentication. Pure.

A site is an origin. The reverse proxy in front of it asks this server about each request (`oauth.forward_auth`).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from provider.oauth.clients.metadata import ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_values import check_allowed, check_member
from provider.oauth.clients.origins import normal_origins, problem_with_origin
from provider.oauth.clients.protected_sites.path_rules import LISTS, UnclearPath, readings_of
from provider.oauth.response_types import CODE, ResponseMode
from provider.sessions.assurance import REQUIRED_FACTORS
from provider.urls import is_web_url

CALLBACK = "/.signet/callback"
"""The path at a protected site that the proxy passes to this server: users return there after signing in."""
SIGN_OUT = "/.signet/sign-out"
"""The path at a protected site that signs out."""
OF_NEW_CLIENT: Mapping[str, Any] = {
    "grant_types": ("authorization_code",),
    "token_endpoint_auth_method": "none",
    "first_party": True,
    "scope": "openid profile email groups",
}
"""What a client is usually registered with that only protects sites: no secret, and no consent page."""
MOST_PATHS = 50
_HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]*)?")


def with_sites(metadata: ClientMetadata) -> ClientMetadata:
    """Return the metadata with sites as browsers write them, and with the redirect URI of each site.

    Redirect URIs of sites that are no longer protected are removed.
    """
    sites = normal_origins(metadata.protected_sites)
    if not sites and not any(uri.endswith(CALLBACK) for uri in metadata.redirect_uris):
        return metadata
    own = tuple(uri for uri in metadata.redirect_uris if not uri.endswith(CALLBACK))
    return replace(metadata, protected_sites=sites, redirect_uris=own + tuple(site + CALLBACK for site in sites))


def has_plain_host(site: str) -> bool:
    """Return whether the host of a site is a name or an address. Browsers take more, for example `$x.example.com`,
    which is a variable in the configuration of a proxy.
    """
    return _HOST.fullmatch(urlsplit(site).netloc.lower()) is not None


def check_sites(metadata: ClientMetadata) -> None:
    """Check the protected sites and the rules for their paths. Raises InvalidMetadata."""
    if metadata.protected_paths and not metadata.protected_sites:
        raise InvalidMetadata("protected_paths requires protected_sites.")
    if not metadata.protected_sites:
        return
    check_member(metadata, "protected_sites")  # before redirect_uris, which contains a URI for each site
    for site in metadata.protected_sites:
        problem = problem_with_origin(site) or (None if is_web_url(site) else "must begin with https://")
        if problem is None and not has_plain_host(site):
            problem = "must have a host name of letters, digits, hyphens and dots"
        if problem is not None:
            raise InvalidMetadata(f"protected_sites: {site[:200]!r} {problem}.")
    if CODE not in metadata.response_types or "authorization_code" not in metadata.grant_types:
        raise InvalidMetadata("protected_sites requires the grant type authorization_code and the response type code.")
    if metadata.must_push or metadata.must_sign_requests or ResponseMode.QUERY not in metadata.response_modes:
        raise InvalidMetadata(
            "protected_sites cannot be used with pushed or signed requests, or without the response mode query."
        )
    if len(metadata.protected_paths or {}) > MOST_PATHS:
        raise InvalidMetadata(f"protected_paths can have at most {MOST_PATHS} paths.")
    for path, rule in (metadata.protected_paths or {}).items():
        _check_rule(metadata, path, rule)


def _check_rule(metadata: ClientMetadata, path: str, rule: object) -> None:
    about = f"protected_paths: {path[:120]!r}"
    try:
        plain = path.startswith("/") and set(readings_of(path)) == {path} and "%" not in path
    except UnclearPath:
        plain = False
    if not plain:
        raise InvalidMetadata(f"{about} must be a path such as /admin, without %, ;, ?, // and dot segments.")
    if not isinstance(rule, Mapping) or not rule:
        raise InvalidMetadata(f"{about} must have a JSON object with a rule.")
    for name, value in rule.items():
        if name in LISTS:
            if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
                raise InvalidMetadata(f"{about}: {name} must be a list of strings.")
        elif name == "bypass":
            if value is not True or len(rule) > 1:
                raise InvalidMetadata(f"{about}: bypass must be true, and the only member.")
        elif name != "required_factor" or value not in REQUIRED_FACTORS:
            known = ", ".join(("bypass", *LISTS, "required_factor"))
            raise InvalidMetadata(f"{about}: {str(name)[:60]!r} is not one of {known}, or has an invalid value.")
    lists: Any = {name: tuple(rule.get(name, ())) for name in LISTS}
    check_allowed(replace(metadata, **lists))
