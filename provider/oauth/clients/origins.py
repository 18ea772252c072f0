"""The origins of a client's pages: which may be registered as `allowed_origins`. Pure.

Pages of these origins may read responses to the client, beside those at its redirect URIs (CORS). Apps in a web view
need them: their pages are at `capacitor://localhost`, `https://localhost` or `tauri://localhost`.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from provider.urls import is_loopback, origin_of

LONGEST = 255
NO_ORIGIN = frozenset({"about", "blob", "data", "file", "filesystem", "javascript", "ws", "wss"})
"""Schemes whose pages send `Origin: null`, or that no page has."""


def normal_origins(origins: Iterable[str]) -> tuple[str, ...]:
    """Return origins as browsers write them, each once: in lower case, without default port or final slash.

    Text that is no origin stays as it is, for the check.
    """
    return tuple(dict.fromkeys(_normal(origin) for origin in origins))


def _normal(text: str) -> str:
    origin = text.strip()
    return origin if problem_with_origin(origin) is not None else origin_of(origin) or origin


def problem_with_origin(text: str) -> str | None:
    """Return why this cannot be an allowed origin, or None if it can."""
    if text == "null":
        return "cannot be used: all sandboxed pages send it"
    if "*" in text:
        return "must not have a wildcard. List each origin"
    if len(text) > LONGEST or not text.isprintable() or "\\" in text or origin_of(text) is None:
        return "is not an origin, for example https://app.example.com or capacitor://localhost"
    parts = urlsplit(text)
    if "@" in parts.netloc or parts.path not in {"", "/"} or "?" in text or "#" in text:
        return "must be a scheme, a host and an optional port, without path, query or user"
    if parts.scheme in NO_ORIGIN:
        return f"cannot be used: pages of {parts.scheme}: have no origin"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must be https unless the host is loopback"
    return None
