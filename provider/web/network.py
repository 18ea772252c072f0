"""The address a request came from: the peer, or the address reported by trusted proxies."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from starlette.types import Scope

from provider.config.settings import Settings
from provider.observability.logging import log
from provider.web.forwarded import Address, parse_address, read_forwarded, read_x_forwarded_for
from provider.web.headers import RequestHeaders

HEADERS = {"x-forwarded-for": read_x_forwarded_for, "forwarded": read_forwarded}
_logged: set[str] = set()
"""The headers about which this process has logged a problem. Once is enough: it is the same with every request."""


def network_of(scope: Scope, headers: RequestHeaders, settings: Settings) -> str:
    """Return the peer's address; behind trusted proxies, the right-most address that is not one of them.

    If a trusted proxy reports what is not an address, or no address but those of other trusted proxies, the peer's is
    returned.
    """
    client = scope.get("client")
    peer: str = client[0] if client else ""
    address = parse_address(peer)
    trusted = _networks(settings.trusted_proxies)
    if address is None or not _is_trusted(address, trusted):
        return peer if address is None else str(address)
    name: str = settings.forwarded_header or next(filter(headers.__contains__, HEADERS), "x-forwarded-for")
    for entry in HEADERS[name](headers.getlist(name)):
        hop = parse_address(entry)
        if hop is None:
            _log_unreadable(name, entry, str(address))
            break
        if not _is_trusted(hop, trusted):
            return str(hop)
    return str(address)


def is_trusted_proxy(network: str, settings: Settings) -> bool:
    """Return whether this is the address of a trusted proxy."""
    address = parse_address(network)
    return address is not None and _is_trusted(address, _networks(settings.trusted_proxies))


def _log_unreadable(name: str, entry: str, peer: str) -> None:
    if name not in _logged:
        _logged.add(name)
        log.warning(
            "proxy.address_unreadable",
            header=name,
            entry=entry[:100],
            peer=peer,
            hint="The proxy's address is used instead, for limits too. `signet check` explains.",
        )


@lru_cache(maxsize=8)
def _networks(trusted: frozenset[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network, strict=False) for network in trusted)


def _is_trusted(address: Address, trusted: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in trusted)
