"""The rules for paths of protected sites, and the rule of a request. Pure."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from provider.oauth.clients.metadata import ClientMetadata

LISTS = ("allowed_roles", "allowed_groups", "allowed_networks")
UNCLEAR = ("%2f", "%5c", "%25", "%00", "\\", "#")
"""What one server reads as part of a segment and another as its end, in lower case."""


class UnclearPath(Exception):
    """A path that the proxy, the site and this server may read differently, such as /public/..%2fadmin."""


@dataclass(frozen=True)
class PathRule:
    """The rule for a path and everything below it."""

    path: str
    bypass: bool = False
    allowed_roles: tuple[str, ...] = ()
    allowed_groups: tuple[str, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    required_factor: str = "none"


def find_rule(metadata: ClientMetadata, uri: str) -> PathRule | None:
    """Return the rule for this path, which may have a query: that of the longest registered path, or None.

    Paths are compared without case, because some sites do, but `bypass` only applies to the exact spelling. Raises
    UnclearPath.
    """
    rules = metadata.protected_paths
    if not rules:
        return None
    raw = uri.partition("?")[0]
    path = segments_of(raw)
    for known in sorted(rules, key=len, reverse=True):
        rule = rules[known]
        if not _is_below(path.casefold(), known.casefold()):
            continue
        if rule.get("bypass") and not (_is_below(path, known) and ";" not in raw):
            continue
        given: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in rule.items()}
        return PathRule(known, **given)
    return None


def _is_below(path: str, known: str) -> bool:
    base = known.rstrip("/")
    return path == base or path.startswith(base + "/")


def segments_of(raw: str) -> str:
    """Return a path decoded and without parameters of segments (RFC 3986 section 3.3). Raises UnclearPath."""
    if not raw.isascii() or not raw.isprintable() or any(part in raw.lower() for part in UNCLEAR):
        raise UnclearPath
    segments = [segment.partition(";")[0] for segment in unquote(raw).split("/")]
    if "" in segments[1:-1] or not {".", ".."}.isdisjoint(segments):
        raise UnclearPath
    return "/".join(segments)
