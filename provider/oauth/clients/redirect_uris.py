"""Redirect URIs: which may be registered, and whether a given one is registered. Pure.

They are compared byte for byte (RFC 9700 section 2.1). The one exception is the port of a native app's loopback address
(RFC 8252 section 7.3).
"""

from collections.abc import Mapping
from urllib.parse import quote_plus, urlsplit

LOOPBACK_ADDRESSES = ("127.0.0.1", "[::1]")
LONGEST = 2000


def problem_with(uri: str) -> str | None:
    """Return why this URI may not be registered, or None if it may."""
    if not uri or len(uri) > LONGEST:
        return "is empty or too long"
    if not uri.isascii() or any(ord(character) <= 0x20 or character in '"<>\\^`{|}\x7f' for character in uri):
        return "holds a character that no URI may hold"
    if "#" in uri:
        return "has a fragment"
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not a URI"
    if parts.scheme in {"http", "https"}:
        if not host:
            return "has no host"
        if "@" in parts.netloc:
            return "has a user"
        if "*" in uri:
            return "has a wildcard"
        if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
            return "must be https unless the host is loopback"
        return None
    if "." not in parts.scheme:
        # RFC 8252 section 7.1: a private-use scheme is a reversed domain name. This keeps out javascript:, data:,
        # file:.
        return "must be https, http on loopback, or a private-use scheme with a dot in it"
    return None


def is_registered(uri: str, registered: tuple[str, ...], *, native: bool) -> bool:
    """Return whether this is one of the registered URIs."""
    if uri in registered:
        return True
    if not native:
        return False
    without_port = _without_loopback_port(uri)
    return without_port is not None and any(_without_loopback_port(known) == without_port for known in registered)


def _without_loopback_port(uri: str) -> str | None:
    """Return `http://127.0.0.1:PORT/path` without its port, or None for anything else."""
    for address in LOOPBACK_ADDRESSES:
        prefix = f"http://{address}"
        if not uri.startswith(prefix):
            continue
        rest = uri[len(prefix) :]
        if rest.startswith(":"):
            digits = len(rest[1:]) - len(rest[1:].lstrip("0123456789"))
            if not 1 <= digits <= 5 or not 0 < int(rest[1 : 1 + digits]) <= 65535:
                return None
            rest = rest[1 + digits :]
        if rest and not rest.startswith(("/", "?")):
            return None
        return prefix + rest
    return None


def encode(parameters: Mapping[str, str]) -> str:
    """Encode parameters as application/x-www-form-urlencoded."""
    return "&".join(f"{name}={quote_plus(value)}" for name, value in parameters.items())


def with_query(uri: str, parameters: Mapping[str, str]) -> str:
    """Return the URI with more parameters. Its own query stays unchanged (RFC 6749 section 4.1.2)."""
    encoded = encode(parameters)
    joiner = "" if not encoded or uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + joiner + encoded


def csp_source(uri: str) -> str:
    """Return the URI's origin, or its scheme, as a CSP source for form-action."""
    parts = urlsplit(uri)
    # The grammar of CSP knows no IPv6 address: browsers would drop the source, and with it the way back.
    if parts.scheme not in {"http", "https"} or "[" in parts.netloc:
        return f"{parts.scheme}:"
    # These two would end the source, the directive or the policy (CSP Level 3 section 2.3.1).
    host = parts.netloc.replace(";", "%3B").replace(",", "%2C")
    return f"{parts.scheme}://{host}"
