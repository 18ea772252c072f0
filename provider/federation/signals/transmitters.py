"""The transmitter of an upstream: where its signals come from and what signs them (SSF 1.0 section 7)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provider.federation.presets import GOOGLE
from provider.federation.upstream_settings import UpstreamSettings
from provider.federation.upstreams import Upstream
from provider.urls import is_web_address
from provider.work import UnitOfWork

OF_GOOGLE = "https://accounts.google.com/.well-known/risc-configuration"
WELL_KNOWN = "/.well-known/ssf-configuration"


@dataclass(frozen=True)
class Transmitter:
    """The parts of the configuration that are used (section 7.1)."""

    issuer: str
    jwks_uri: str
    configuration_endpoint: str | None
    verification_endpoint: str | None


def configuration_url(settings: UpstreamSettings) -> str:
    """Return where the configuration is: as the operator says, or where the issuer has it (section 7.2)."""
    if settings.signals_configuration is not None:
        return settings.signals_configuration
    if settings.preset == GOOGLE:
        return OF_GOOGLE
    parts = urlsplit(settings.issuer)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.removesuffix('/')}"


def find_transmitter(work: UnitOfWork, upstream: Upstream) -> Transmitter:
    """Return the transmitter of an upstream, as it describes itself. Raises UpstreamUnavailable."""
    url = configuration_url(upstream.settings)
    document = upstream.document(work, url)
    issuer, jwks_uri = document.get("issuer"), document.get("jwks_uri")
    if not isinstance(issuer, str) or not isinstance(jwks_uri, str) or not is_web_address(jwks_uri, like=url):
        raise upstream.unavailable(f"{url} has no issuer or no jwks_uri with https")
    if upstream.settings.signals_configuration is None and not same_issuer(issuer, upstream.settings.issuer):
        raise upstream.unavailable(f"{url} is about another issuer")  # section 7.2.3
    endpoints = (_endpoint(document, name, like=url) for name in ("configuration_endpoint", "verification_endpoint"))
    return Transmitter(issuer, jwks_uri, *endpoints)


def same_issuer(one: object, other: str) -> bool:
    """Return whether these are the same issuer. Google writes its own with a slash in signals, and else without."""
    return isinstance(one, str) and one.removesuffix("/") == other.removesuffix("/")


def _endpoint(document: dict[str, Any], name: str, *, like: str) -> str | None:
    url = document.get(name)
    return url if isinstance(url, str) and is_web_address(url, like=like) else None
