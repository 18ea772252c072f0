"""Which issuer an upstream's ID token may have: its own, or with Microsoft that of the user's tenant."""

from collections.abc import Iterable, Mapping
from typing import Any

from provider.federation.presets import MICROSOFT, PRESETS, TENANT_ID
from provider.federation.upstream_settings import UpstreamSettings
from provider.jose.key_sets import PublicKey
from provider.urls import normal_url

TENANT = "{tenantid}"
"""What stands in the discovery document where the tenant's ID belongs."""
OF_PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of Microsoft accounts that belong to no organization."""


def discovery_url(settings: UpstreamSettings) -> str:
    """Return the URL of the discovery document (OIDC Discovery section 4)."""
    issuer = settings.issuer
    if settings.preset == MICROSOFT:
        issuer = issuer.replace(TENANT, settings.tenant)
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def is_issuer(settings: UpstreamSettings, issuer: object) -> bool:
    """Return whether a discovery document, a response or a linked identity with this issuer is the upstream's."""
    if settings.preset != MICROSOFT:
        return issuer == settings.issuer
    tenant = _tenant_of(issuer)
    return issuer == settings.issuer or (tenant is not None and _has_tenant(settings, tenant))


def has_its_issuer(settings: UpstreamSettings, claims: Mapping[str, Any]) -> bool:
    """Return whether `iss` of an ID token is that of the upstream; with Microsoft, of the tenant in `tid`, which must
    belong to the authority.
    """
    issuer = claims.get("iss")
    if settings.preset != MICROSOFT:
        return issuer == settings.issuer
    tenant = _tenant_of(issuer)
    return tenant is not None and claims.get("tid") == tenant and _has_tenant(settings, tenant)


def share_an_issuer(one: UpstreamSettings, other: UpstreamSettings) -> bool:
    """Return whether a user could sign in with the same identity at both. It must not depend on the button."""
    if {one.preset, other.preset} != {MICROSOFT}:
        same = normal_url(one.issuer) == normal_url(other.issuer)
        return same or is_issuer(one, other.issuer) or is_issuer(other, one.issuer)
    mine, theirs = _only_tenant_of(one), _only_tenant_of(other)
    if mine is None:
        return theirs is None or _has_tenant(one, theirs)
    return _has_tenant(other, mine)


def is_of_organization(settings: UpstreamSettings, claims: Mapping[str, Any]) -> bool:
    """Return whether the user belongs to an organization whose users may sign in (`hosted_domain`, `allowed_tenants`).

    Google's parameter `hd` only chooses the account that is offered, so the claim decides.
    """
    if settings.hosted_domain is not None:
        domain = claims.get("hd")
        return isinstance(domain, str) and domain.lower() == settings.hosted_domain
    return not settings.allowed_tenants or claims.get("tid") in settings.allowed_tenants


def keys_of(settings: UpstreamSettings, keys: Iterable[PublicKey], issuer: object) -> tuple[PublicKey, ...]:
    """Return the keys that may sign for this issuer. Those of Microsoft name the tenants that they are for."""
    if settings.preset != MICROSOFT:
        return tuple(keys)
    return tuple(key for key in keys if key.issuer in (None, settings.issuer, issuer))


def _only_tenant_of(settings: UpstreamSettings) -> str | None:
    """Return the one tenant of the authority, or None if it has several."""
    if settings.tenant in {"common", "organizations"}:
        return None
    return OF_PERSONAL_ACCOUNTS if settings.tenant == "consumers" else settings.tenant


def _has_tenant(settings: UpstreamSettings, tenant: str) -> bool:
    only = _only_tenant_of(settings)
    if only is not None:
        return tenant == only
    return settings.tenant == "common" or tenant != OF_PERSONAL_ACCOUNTS


def _tenant_of(issuer: object) -> str | None:
    """Return the ID of the tenant in an issuer of Microsoft, or None."""
    before, after = PRESETS[MICROSOFT].issuer.split(TENANT)
    if not isinstance(issuer, str) or not issuer.startswith(before) or not issuer.endswith(after):
        return None
    tenant = issuer.removeprefix(before).removesuffix(after)
    return tenant if TENANT_ID.fullmatch(tenant) else None
