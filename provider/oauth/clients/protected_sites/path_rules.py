"""The rules for paths of protected sites, and the rule of a request. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from provider.oauth.clients.metadata import ClientMetadata

LISTS = ("allowed_roles", "allowed_groups", "allowed_networks")
UNCLEAR = ("%2f", "%5c", "%25", "\\", "#")
"""What one server reads as part of a segment and another as its end, in lower case."""
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)*/?")
"""A path that has one reading, as most have."""
_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


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
    UnclearPath, also if two readings of the path have different rules.
    """
    rules = metadata.protected_paths
    if not rules:
        return None
    found = {_find_path(rules, path) for path in readings_of(uri.partition("?")[0])}
    if len(found) > 1:
        raise UnclearPath
    known = found.pop()
    if known is None:
        return None
    given: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in rules[known].items()}
    return PathRule(known, **given)


def _find_path(rules: Mapping[str, Any], path: str) -> str | None:
    """Return the longest registered path that this one is, or is below."""
    for known in sorted(rules, key=len, reverse=True):
        is_there = (
            _is_below(path, known) if rules[known].get("bypass") else _is_below(path.casefold(), known.casefold())
        )
        if is_there:
            return known
    return None


def _is_below(path: str, known: str) -> bool:
    base = known.rstrip("/")
    return path == base or path.startswith(base + "/")


def readings_of(raw: str) -> Iterator[str]:
    """Return the path decoded, and as servers read it that are less strict. Raises UnclearPath.

    These drop parameters of segments (RFC 3986 section 3.3), and spaces and dots at their end. They decode twice, or
    normalise Unicode.
    """
    if _PLAIN.fullmatch(raw):
        yield raw
        return
    path = _decoded(raw)
    yield _checked(path)
    lenient = unicodedata.normalize("NFKC", path)
    yield _checked(re.split(r"[?#]", lenient)[0])
    segments = _checked("/".join(segment.partition(";")[0] for segment in lenient.split("/"))).split("/")
    if any(segment and not segment.rstrip(". ") for segment in segments):
        raise UnclearPath
    yield "/".join(segment.rstrip(". ") for segment in segments)


def _decoded(raw: str) -> str:
    if not raw.isascii() or _NO_ESCAPE.search(raw) or any(part in raw.lower() for part in UNCLEAR):
        raise UnclearPath
    try:
        path = unquote(raw, errors="strict")
    except UnicodeDecodeError:  # overlong forms of a dot or a slash, too
        raise UnclearPath from None
    if any(unicodedata.category(character) == "Cc" for character in path):
        raise UnclearPath
    return path


def _checked(path: str) -> str:
    segments = path.split("/")
    if "" in segments[1:-1] or not {".", ".."}.isdisjoint(segments) or "\\" in path:
        raise UnclearPath
    return path
