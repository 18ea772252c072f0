"""Redirect URIs: which may be registered, and whether a given one is registered. Pure.

They are compared byte for byte (RFC 9700 section 2.1). The one exception is the port of a loopback address: an app on a
user's machine listens on whichever port is free (RFC 8252 section 7.3).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import quote_plus, urlsplit

from provider.config.uri_schemes import problem_with_scheme

LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(?::(?P<port>[0-9]{0,5}))?(?P<rest>[/?].*)?")
"""An http URL on the user's own machine. RFC 9700 section 2.1 includes the name localhost, which many native apps use.
"""
LONGEST = 2000
LONGEST_SOURCES = 1500
"""The greatest length of the CSP sources of several URIs: some thirty hosts."""
HIGHEST_PORT = 65535
NO_DOT = "has a private-use scheme without a dot. Use one such as com.example.app"
"""The problem of a URI whose scheme an operator could allow."""


def problem_with(uri: str, *, schemes: Collection[str] = ()) -> str | None:
    """Return why this URI may not be registered, or None if it may.

    `schemes` are the private-use schemes without a dot that an operator allows.
    """
    if not uri or len(uri) > LONGEST:
        return f"must have 1 to {LONGEST} characters"
    if not uri.isascii() or any(ord(character) <= 0x20 or character in '"<>\\^`{|}\x7f' for character in uri):
        return "contains a character that URIs cannot contain"
    if "#" in uri:
        return "must not have a fragment"
    if "*" in uri and uri.lower().startswith(("http:", "https:")):
        return "must not have a wildcard (for loopback URIs, any port is accepted)"
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "is not a URI"
    if parts.scheme in {"http", "https"}:
        if not host:
            return "must have a host"
        if "@" in parts.netloc:
            return "must not contain a user name"
        if parts.scheme == "http" and host not in {"localhost", "127.0.0.1", "::1"}:
            return "must be https unless the host is localhost, 127.0.0.1 or [::1]"
        return None
    return _problem_with_private_use(parts.scheme, schemes)


def _problem_with_private_use(scheme: str, allowed: Collection[str]) -> str | None:
    """Return why this scheme is not for the app alone, or None. RFC 8252 section 7.1: it is a reversed domain name."""
    if not scheme:
        return "must be an absolute URI. Add the scheme, for example https://"
    if "." in scheme or (scheme in allowed and problem_with_scheme(scheme) is None):
        return None
    if problem_with_scheme(scheme) is not None:
        return "must be https, http on loopback, or a private-use scheme such as com.example.app"
    return NO_DOT


def is_registered(uri: str, registered: tuple[str, ...]) -> bool:
    """Return whether this is one of the registered URIs, or one of the loopback URIs among them at any port."""
    if uri in registered:
        return True
    found = LOOPBACK.fullmatch(uri)
    if found is None or (found["port"] is not None and not 0 < int(found["port"] or 0) <= HIGHEST_PORT):
        return False
    others = (LOOPBACK.fullmatch(known) for known in registered)
    return any(other is not None and _without_port(other) == _without_port(found) for other in others)


def _without_port(loopback: re.Match[str]) -> tuple[str, str]:
    """Return the host and the rest of a loopback URL. An empty path is the same as `/` (RFC 3986 section 6.2.3), and
    clients write both.
    """
    rest = loopback["rest"] or ""
    return loopback["host"], rest if rest.startswith("/") else f"/{rest}"


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


def csp_sources(uris: Iterable[str]) -> tuple[str, ...]:
    """Return the CSP sources of several URIs, each once. If they are long, these are the schemes alone.

    Proxies reject responses with long headers: nginx accepts 4 kB, unless it is told otherwise.
    """
    sources = tuple(dict.fromkeys(csp_source(uri) for uri in uris))
    if len(" ".join(sources)) <= LONGEST_SOURCES:
        return sources
    return tuple(dict.fromkeys(f"{source.partition(':')[0]}:" for source in sources))


def host_of(uri: str) -> str:
    """Return the host of a web address, or "" for a private-use scheme, in which an app may write any name."""
    parts = urlsplit(uri)
    return parts.hostname or "" if parts.scheme in {"http", "https"} else ""
