"""The addresses that may be reached: public ones, and those the operator allows by name (SIGNET_OUTBOUND_ALLOW). Pure.

The tables are those of the IANA special-purpose address registries (RFC 6890). They are written out, because Python's
`ipaddress` differs between versions on what is global.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from provider.urls import normal_authority

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]
LONGEST_URL = 2000
Lookup = Callable[[str, int], list[Any]]
"""A function that resolves (host, port), with results like those of socket.getaddrinfo."""


def networks(texts: Iterable[str]) -> Networks:
    """Parse addresses and networks. Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


NOT_PUBLIC_IPV4 = networks(
    (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and metadata services of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # the platform of one cloud answers its own machines here
        "169.254.0.0/16",  # link-local, and metadata services of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the two below
        "192.88.99.0/24",  # 6to4 relays, given up
        "192.168.0.0/16",
        "198.18.0.0/15",  # measurements
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
PUBLIC_IPV6 = IPv6Network("2000::/3")
"""Global unicast addresses. All others are loopback, local, multicast, reserved, or embed an IPv4 address
(::ffff:0:0/96, 64:ff9b::/96).
"""
NOT_PUBLIC_IPV6 = networks(
    (
        "2001::/23",  # protocol assignments; Teredo carries an IPv4 address
        "2001:db8::/32",  # documentation, as the last
        "2002::/16",  # 6to4 carries an IPv4 address
        "3fff::/20",
    )
)


def is_public(address: Address) -> bool:
    """Return whether this is an address on the public Internet."""
    if isinstance(address, IPv4Address):
        return not is_in(address, NOT_PUBLIC_IPV4)
    return address in PUBLIC_IPV6 and not is_in(address, NOT_PUBLIC_IPV6)


def is_in(address: Address, among: Networks) -> bool:
    return any(address in network for network in among)


def may_be_reached(address: Address, *, allowed: Networks, encrypted: bool) -> bool:
    """Return whether this address may be reached.

    Without TLS the server is unverified, so only addresses that the operator allows may be reached.
    """
    return is_in(address, allowed) or (encrypted and is_public(address))


def literal(host: str) -> Address | None:
    """Return the address that the host of a URL is, or None for a name, which must be resolved first."""
    try:
        return ip_address(host)
    except ValueError:
        return ip_address("127.0.0.1") if host == "localhost" or host.endswith(".localhost") else None


def split(url: str) -> tuple[SplitResult, str, int | None]:
    """Return the parts of a URL, its host in normal form, and its port unless it is the default.

    Raises ValueError for a URL that is never requested.
    """
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}')
    try:
        parts = urlsplit(url)
        host, port = normal_authority(parts.netloc.rpartition("@")[2], scheme=parts.scheme)
    except ValueError:
        raise ValueError("it is not a URL") from None
    known = parts.scheme in {"https", "http"} and parts.hostname and not has_user(url) and "#" not in url
    if not plain or not known or len(url) > LONGEST_URL:
        raise ValueError("it is not an https URL without user and fragment")
    return parts, host, port


def has_user(url: str) -> bool:
    """Return whether a URL has a user or a password."""
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return False


def may_be_asked(url: str, *, allowed: Networks) -> bool:
    """Return whether a URL may be requested, judged by its text. A name is checked when it is resolved."""
    try:
        parts, host, _ = split(url)
    except ValueError:
        return False
    address, encrypted = literal(host.strip("[]")), parts.scheme == "https"
    return encrypted if address is None else may_be_reached(address, allowed=allowed, encrypted=encrypted)
