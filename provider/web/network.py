"""The address a request came from: the peer, or the address reported by trusted proxies."""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope


def network_of(scope: Scope, headers: Headers, trusted: frozenset[str]) -> str:
    """Return the peer's address; behind trusted proxies, the right-most address that is not one of them."""
    client = scope.get("client")
    peer: str = client[0] if client else ""
    if not trusted or not _is_trusted(peer, trusted):
        return peer
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    for hop in reversed(hops):
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            return peer
        if not _is_trusted(address, trusted):
            return address
    return peer


def _is_trusted(address: str, trusted: frozenset[str]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in trusted)
