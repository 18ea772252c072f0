"""Hosts, origins and URLs in one normal form, so that they can be compared (RFC 3986 section 6.2). Pure.

Redirect URIs and issuers that a request names are not normalised: they are compared byte for byte (RFC 9700 section
2.1, OIDC Discovery section 4.3).
"""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST_AUTHORITY = 300
"""The longest host with a port, in characters. A name in the DNS has at most 253."""
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/?#@\\\s]+)(?::([0-9]{0,5}))?")


def normal_host(host: str) -> str:
    """Return a host as browsers write it: in lower case, with A-labels, an IPv6 address compressed and in brackets.

    `host` may have percent-encoding and Unicode (RFC 3986 section 3.2.2, UTS 46). Raises ValueError.
    """
    host = host.removeprefix("[").removesuffix("]")
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    host = unquote(host, errors="strict").lower()
    if not host.isascii() and len(host) <= LONGEST_AUTHORITY:
        host = idna.encode(host, uts46=True).decode()
    if not host or not host.isascii() or not host.isprintable() or set(host) & set(" \"'#%/:<>?@[\\]^`{|},;"):
        raise ValueError(f"{host!r} is not a host")
    return host


@lru_cache(maxsize=1024)
def normal_authority(text: str, *, scheme: str) -> tuple[str, int | None]:
    """Return the host of `host[:port]` in its normal form, and the port, or None for the scheme's default.

    An empty port is the default one, and a final dot is dropped: `Id.Example.com.:443` and `id.example.com` are the
    same for https (RFC 9110 section 4.2.3). Raises ValueError.
    """
    parts = _AUTHORITY.fullmatch(text)
    if parts is None or len(text) > LONGEST_AUTHORITY:
        raise ValueError(f"{text[:100]!r} is not a host with an optional port")
    host, port = normal_host(parts[1]).removesuffix("."), int(parts[2]) if parts[2] else None
    if not host or (port is not None and not 0 < port < 1 << 16):
        raise ValueError(f"{text!r} is not a host with an optional port")
    return host, None if port == DEFAULT_PORTS.get(scheme) else port


def origin_of(url: str) -> str | None:
    """Return the origin of a URL as a browser writes it in `Origin`, or None if it has none (RFC 6454 section 6.2).

    Apps with a scheme of their own have origins too, for example `capacitor://localhost`: scheme and host are compared
    without case.
    """
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            return None
        host, port = normal_host(parts.hostname), parts.port
    except ValueError:
        return None
    return f"{parts.scheme}://{host}" + ("" if port in {None, DEFAULT_PORTS.get(parts.scheme)} else f":{port}")


def web_origin_of(url: str) -> str | None:
    """Return the origin of an http or https URL, or None for other schemes."""
    return origin_of(url) if is_web_url(url) else None


def is_web_url(url: str) -> bool:
    try:
        return urlsplit(url).scheme in DEFAULT_PORTS
    except ValueError:
        return False


def normal_url(url: str) -> str:
    """Return an http or https URL in its normal form, without a final slash. Text that is no URL stays as it is.

    Case of scheme and host, the default port, A-labels and needless percent-encoding make no difference (RFC 3986
    section 6.2.2 and 6.2.3).
    """
    origin = web_origin_of(url)
    if origin is None:
        return url
    parts = urlsplit(url)
    path = _ESCAPE.sub(_normal_escape, parts.path).rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    return f"{origin}{path}{query}"


def _normal_escape(found: re.Match[str]) -> str:
    character = unquote(found[0], errors="replace")
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: a loopback address, or localhost and the names below it (RFC 6761)."""
    host = host.lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_ip_address(host: str) -> bool:
    """Return whether a host is an IP address; an IPv6 address is without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_web_address(url: str, *, like: str) -> bool:
    """Return whether the URL uses https.

    http is allowed too where both the URL and the issuer (`like`) are http on a loopback host.
    """
    try:
        parts, issuer = urlsplit(url), urlsplit(like)
        parts.port  # noqa: B018  # raises for one that is none
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (
        parts.scheme == issuer.scheme == "http" and is_loopback(parts.hostname) and is_loopback(issuer.hostname or "")
    )
