"""The public URL of this server, and the further hosts it answers for, in the notations that operators write."""

import re
from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from provider.config.lists import Names
from provider.config.notation import Notation
from provider.urls import is_loopback, normal_authority, normal_url, origin_of

SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
TAKEN_PATHS = ("/.signet", "/admin", "/api", "/health/echo", "/pictures", "/scim", "/static", "/.well-known")
"""Paths that an issuer cannot have. Below each of them a path of ours could also be another one of ours, after a proxy
that keeps the path of the issuer and after one that strips it (`web.base_path`).
"""


def _issuer(value: str) -> str:
    """Return the issuer in its normal form: what clients compare with, byte for byte (OIDC Discovery section 4.3)."""
    value = value.strip()
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("must be an http or https URL, for example https://id.example.com") from None
    if parts.scheme not in {"http", "https"} or origin_of(value) is None:
        raise ValueError("must be an http or https URL, for example https://id.example.com")
    if parts.query or parts.fragment or "?" in value or "#" in value or parts.username is not None:
        raise ValueError("must have no query, fragment or user")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must be https unless the host is loopback")
    issuer = normal_url(value)
    path = urlsplit(issuer).path
    segments = path.split("/")[1:]
    if not all(SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in segments):
        raise ValueError(f"the path {path} must be segments of letters, digits and -._~, for example /auth")
    if any(f"{path}/".startswith(f"{taken}/") for taken in TAKEN_PATHS):
        raise ValueError(f"the path {path} is used by Signet itself; choose another, for example /auth")
    return issuer


@lru_cache(maxsize=16)
def split_issuer(issuer: str) -> tuple[str, str]:
    """Return the origin of an issuer, and its path, which is empty or begins with a slash."""
    origin = origin_of(issuer) or issuer
    return origin, issuer.removeprefix(origin)


def _hosts(value: frozenset[str]) -> frozenset[str]:
    """Return hosts, each as `host` or `host:port` in its normal form. An entry may be written as a URL."""
    return frozenset(_host(entry) for entry in value)


def _host(entry: str) -> str:
    text = entry.partition("://")[2] if "://" in entry else entry
    try:
        host, port = normal_authority(text.rstrip("/"), scheme="")
    except ValueError:
        raise ValueError(
            f"{entry!r} is not a host; write host or host:port, for example signet.internal:8000"
        ) from None
    return host if port is None else f"{host}:{port}"


Issuer = Annotated[str, AfterValidator(_issuer), Notation("URL")]
Hosts = Annotated[Names, AfterValidator(_hosts), Notation("host names, comma-separated")]
