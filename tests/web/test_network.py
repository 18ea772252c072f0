"""Whose address counts: the peer's, unless a trusted proxy says otherwise (RFC 9700 section 4.13)."""

import pytest
from starlette.datastructures import Headers

from provider.web.network import network_of

PROXIES = frozenset({"10.0.0.0/8", "::1"})


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not a proxy of ours: whatever it says
        ("10.1.1.1", None, "10.1.1.1"),
        ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),  # the client's own claim is further left
        ("10.1.1.1", "198.51.100.1, 10.2.2.2", "198.51.100.1"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.1.1.1"),
        ("10.1.1.1", "nonsense", "10.1.1.1"),
        ("10.1.1.1", "198.51.100.1, nonsense", "10.1.1.1"),
        ("::1", " 2001:db8::1 ", "2001:db8::1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_of_ours(peer: str, forwarded: str | None, network: str) -> None:
    headers = Headers({} if forwarded is None else {"x-forwarded-for": forwarded})
    scope = {"client": (peer, 1) if peer else None}
    assert network_of(scope, headers, PROXIES) == network


def test_without_trusted_proxies_nobody_is_believed() -> None:
    headers = Headers({"x-forwarded-for": "198.51.100.1", "forwarded": "for=198.51.100.1"})
    assert network_of({"client": ("10.1.1.1", 1)}, headers, frozenset()) == "10.1.1.1"
