"""Which addresses may be reached (A-101)."""

from ipaddress import ip_address

import pytest

from provider.outbound.addresses import is_public, literal, may_be_asked, may_be_reached, networks
from provider.outbound.answers import OutboundFailed
from tests.outbound.conftest import NewOutbound


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_no_address_of_a_special_purpose_is_public(address: str) -> None:
    """RFC 6890."""
    assert not is_public(ip_address(address))
    assert not may_be_reached(ip_address(address), allowed=(), encrypted=True)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "2a00::1"])
def test_everybody_else_is_with_tls_only(address: str) -> None:
    assert may_be_reached(ip_address(address), allowed=(), encrypted=True)
    assert not may_be_reached(ip_address(address), allowed=(), encrypted=False)


def test_what_the_operator_allows_is_that_and_no_more() -> None:
    allowed = networks(["10.0.0.0/24", "::1", "127.0.0.1"])
    for address in ("10.0.0.255", "::1", "127.0.0.1"):
        assert may_be_reached(ip_address(address), allowed=allowed, encrypted=False)
    for address in ("10.0.1.0", "127.0.0.2", "::ffff:127.0.0.1", "::ffff:10.0.0.1"):
        assert not may_be_reached(ip_address(address), allowed=allowed, encrypted=True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("app.localhost", "127.0.0.1"),
        ("app.example.test", None),
        ("localhost.example.test", None),
    ],
)
def test_a_host_may_say_its_address(host: str, expected: str | None) -> None:
    assert literal(host) == (None if expected is None else ip_address(expected))


@pytest.mark.parametrize(
    "rest", [*(f"/a{each}b" for each in '#{}|^`"<>\\ \x7fü\n'), "\\@x/", ":0/", ":70000/", "/" + "x" * 2000]
)
def test_a_url_that_is_never_requested_is_not_accepted_either(rest: str, new_outbound: NewOutbound) -> None:
    """N-634. A setting must not be saved that could only fail."""
    for url in (f"https://app.example.test{rest}", f"https://user:secret@app.example.test{rest}"):
        assert not may_be_asked(url, allowed=())
        with pytest.raises(OutboundFailed, match="it is not a"):
            new_outbound().get(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127%2e0.0.1", "LOCALHOST", "localhost.", "%6cocalhost", "[0:0:0:0:0:0:0:1]", "[::1", "%ff"]
)
def test_another_notation_hides_no_address(host: str) -> None:
    """A-101, RFC 3986 section 3.2.2."""
    assert not may_be_asked(f"https://{host}/jwks", allowed=())
