"""Whose address counts: the peer's, unless a trusted proxy says otherwise (RFC 9700 section 4.13, RFC 7239)."""

import time

import pytest
from structlog.testing import capture_logs

from provider.config.settings import Settings
from provider.web import network
from provider.web.forwarded import parse_address
from provider.web.headers import RequestHeaders
from provider.web.network import network_of

PROXIES = frozenset({"10.0.0.0/8", "::1"})


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_logged", set())


def seen(peer: str, *lines: str, trusted: frozenset[str] = PROXIES, header: str | None = None) -> str:
    """The network of a request with these header lines, `Name: value`."""
    headers = RequestHeaders(
        [(n.lower().encode(), v.strip().encode()) for n, _, v in (one.partition(":") for one in lines)]
    )
    settings = Settings(trusted_proxies=trusted, forwarded_header=header)
    return network_of({"client": (peer, 1) if peer else None}, headers, settings)


@pytest.mark.parametrize(
    ("peer", "lines", "network"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # not a proxy of ours: whatever it says
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the client's own claim is further left
        ("10.1.1.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),  # and on an earlier line (RFC 9110 section 5.3)
        ("10.1.1.1", ["6.6.6.6", "198.51.100.1", "10.2.2.2"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6", "198.51.100.1, 10.2.2.2", ""], "198.51.100.1"),
        ("10.1.1.1", ["198.51.100.1,,10.2.2.2, "], "198.51.100.1"),
        ("10.1.1.1", ["198.51.100.1:51008"], "198.51.100.1"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.1:51008, 10.2.2.2:80"], "198.51.100.1"),
        ("10.1.1.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.1.1.1", ['"[2001:db8::1]:443"'], "2001:db8::1"),
        ("10.1.1.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.1.1.1", ["198.51.100.1, ::ffff:10.2.2.2"], "198.51.100.1"),
        ("::ffff:10.1.1.1", ["198.51.100.1"], "198.51.100.1"),  # a socket for both families
        ("::ffff:203.0.113.9", [], "203.0.113.9"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], "10.1.1.1"),
        ("10.1.1.1", ["nonsense"], "10.1.1.1"),
        ("10.1.1.1", ["6.6.6.6, unknown"], "10.1.1.1"),  # what is left of it was not written by a proxy of ours
        ("10.1.1.1", ["unknown, 198.51.100.1"], "198.51.100.1"),
        ("::1", [" 2001:db8::1 "], "2001:db8::1"),
        ("", ["198.51.100.1"], ""),
        ("testclient", ["198.51.100.1"], "testclient"),
    ],
)
def test_the_network_is_the_rightmost_address_that_is_no_proxy_of_ours(
    peer: str, lines: list[str], network: str
) -> None:
    assert seen(peer, *(f"X-Forwarded-For: {line}" for line in lines)) == network


@pytest.mark.parametrize(
    ("lines", "network"),
    [
        (["for=198.51.100.1"], "198.51.100.1"),
        (["For=198.51.100.1;Proto=https;By=10.1.1.1"], "198.51.100.1"),
        (["proto=https; for=198.51.100.1 ;host=id.example"], "198.51.100.1"),
        (['for="198.51.100.1:51008"'], "198.51.100.1"),
        (["for=198.51.100.1:51008"], "198.51.100.1"),  # a colon is no token character, but proxies write it
        (['for="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (["for=[2001:db8:cafe::17]"], "2001:db8:cafe::17"),
        (['for="[2001:db8::1]:_port"'], "2001:db8::1"),
        (["for=6.6.6.6, for=198.51.100.1, for=10.2.2.2"], "198.51.100.1"),
        (["for=6.6.6.6", "for=198.51.100.1"], "198.51.100.1"),
        (['for=198.51.100.1;host="a, for=6.6.6.6"'], "198.51.100.1"),  # a comma in quotes separates nothing
        (['for=198.51.100.1;host="\\", for=6.6.6.6;x=\\""'], "198.51.100.1"),
        (['for="6.6.6.6', "for=198.51.100.1"], "198.51.100.1"),  # a quote left open hides nothing
        (['for=6.6.6.6;x=", for=198.51.100.1'], "198.51.100.1"),
        (['for=6.6.6.6;x=", for="[2001:db8::1]"'], "2001:db8::1"),
        (["for=unknown"], "10.1.1.1"),
        (["for=6.6.6.6, for=_hidden"], "10.1.1.1"),
        (["for=6.6.6.6, proto=https"], "10.1.1.1"),
        (["for=6.6.6.6, for=198.51.100.1;for=6.6.6.6"], "10.1.1.1"),
        ([""], "10.1.1.1"),
    ],
)
def test_forwarded_says_the_same(lines: list[str], network: str) -> None:
    """RFC 7239 section 4."""
    assert seen("10.1.1.1", *(f"Forwarded: {line}" for line in lines)) == network
    assert seen("203.0.113.9", *(f"Forwarded: {line}" for line in lines)) == "203.0.113.9"


def test_the_header_of_the_proxy_is_the_one_that_counts() -> None:
    both = ("X-Forwarded-For: 198.51.100.1", "Forwarded: for=203.0.113.7")
    assert seen("10.1.1.1", *both) == "198.51.100.1"
    assert seen("10.1.1.1", *both, header="x-forwarded-for") == "198.51.100.1"
    assert seen("10.1.1.1", *both, header="forwarded") == "203.0.113.7"
    assert seen("10.1.1.1", both[1], header="x-forwarded-for") == "10.1.1.1"
    assert seen("10.1.1.1", both[0], header="forwarded") == "10.1.1.1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:0", "192.0.2.1"),
        ("192.0.2.1:_obscured", None),  # only in brackets and quotes, and then it would be IPv6
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1:51008", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("unknown", None),
        ("_hidden", None),
        ("unix:", None),
        ("192.0.2.1:443:1", None),
        ("192.0.2.256", None),
        ("[2001:db8::1", None),
        ("[]:80", None),
        ("", None),
    ],
)
def test_an_address_is_read_in_each_notation_of_proxies(text: str, address: str | None) -> None:
    """RFC 7239 section 6, RFC 4007 section 11, RFC 6052 section 2.1."""
    found = parse_address(text)
    assert (None if found is None else str(found)) == address


def test_what_cannot_be_read_is_logged_once() -> None:
    with capture_logs() as logs:
        for _ in range(3):
            seen("10.1.1.1", "X-Forwarded-For: 6.6.6.6, unknown")
        seen("203.0.113.9", "X-Forwarded-For: nonsense")
        seen("10.1.1.1", "Forwarded: for=_hidden")
    assert [(entry["event"], entry["header"], entry["entry"]) for entry in logs] == [
        ("proxy.address_unreadable", "x-forwarded-for", "unknown"),
        ("proxy.address_unreadable", "forwarded", "_hidden"),
    ]


def test_a_long_header_is_read_quickly() -> None:
    began = time.process_time()
    for hostile in ("a=b;" * 8000 + '"', ',a="' * 8000, 'for="' + "\\" * 30000, "," * 30000, "a=" * 15000):
        seen("10.1.1.1", f"Forwarded: {hostile}")
        seen("10.1.1.1", f"X-Forwarded-For: {hostile}")
    assert time.process_time() - began < 5


def test_without_trusted_proxies_nobody_is_believed() -> None:
    both = ("X-Forwarded-For: 198.51.100.1", "Forwarded: for=198.51.100.1")
    assert seen("10.1.1.1", *both, trusted=frozenset()) == "10.1.1.1"
