"""The addresses that proxies report, in X-Forwarded-For or in Forwarded (RFC 7239), the latest hop first. Pure.

Each proxy appends the address it was asked from, so the right-most entries are the most reliable. A header may be on
several lines, which are one list (RFC 9110 section 5.3).
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

LONGEST = 2000
"""The characters of a line that are read, from its end. Real chains of proxies are far shorter."""
NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a translator writes them (RFC 6052 section 2.1). Otherwise all of them would be one network."""
_PORT = r"(?::(?:[0-9]{1,5}|_[\w.-]+))?"
_BRACKETED = re.compile(rf"\[([^\]]*)\]{_PORT}")
_WITH_PORT = re.compile(r"(.+):[0-9]{1,5}")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a grammar (RFC 9110 section 5.6.2)
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s",;]+)'  # some proxies forget to quote an IPv6 address
_PAIR = re.compile(rf"[ \t]*({_TOKEN})[ \t]*=[ \t]*({_VALUE})[ \t]*")
_ELEMENT = re.compile(rf"(?:{_PAIR.pattern})?(?:;(?:{_PAIR.pattern})?)*")


@lru_cache(maxsize=1024)
def parse_address(text: str) -> Address | None:
    """Return the address in an entry, or None if it contains none, such as `unknown` or `_hidden`.

    Ports, brackets, quotes and zones are dropped; `1.2.3.4:51008`, `[2001:db8::1]:443` and `fe80::1%eth0` are
    addresses. An IPv4 address written as IPv6 is returned as IPv4.
    """
    text = text.strip(' \t"')
    if bracketed := _BRACKETED.fullmatch(text):
        return _read(bracketed[1])
    address = _read(text)
    if address is None and (with_port := _WITH_PORT.fullmatch(text)):
        address = _read(with_port[1])
    return address


def _read(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def read_x_forwarded_for(lines: Sequence[str]) -> Iterator[str]:
    """Yield the entries of all X-Forwarded-For lines, the right-most first."""
    for line in reversed(lines):
        for entry in reversed(line[-LONGEST:].split(",")):
            if entry := entry.strip():
                yield entry


def read_forwarded(lines: Sequence[str]) -> Iterator[str]:
    """Yield the `for` of each element of all Forwarded lines, the right-most first (RFC 7239 section 4).

    An element without exactly one `for` is yielded as it is, which is not an address. Elements are read from the right,
    so a quote that a client left open does not hide what a proxy appended.
    """
    for line in reversed(lines):
        rest = line[-LONGEST:]
        while rest.strip(" \t,"):
            start = len(rest)
            while (start := rest.rfind(",", 0, start)) >= 0 and not _ELEMENT.fullmatch(rest, start + 1):
                pass
            element, rest = rest[start + 1 :], rest[: max(start, 0)]
            if not element.strip():
                continue
            named = [found[2] for found in _PAIR.finditer(element) if found[1].lower() == "for"]
            whole = len(named) == 1 and _ELEMENT.fullmatch(element)
            yield re.sub(r"\\(.)", r"\1", named[0].strip('"')) if whole else element.strip()
