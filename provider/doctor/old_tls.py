"""A ClientHello for versions of TLS that are not to be used any more (RFC 8996), byte by byte (RFC 4346 section 7.4.1).

Our own TLS library may refuse to offer them, and then could not say whether the server accepts them.
"""

import os
import struct
from collections.abc import Sequence

VERSIONS = {"TLS 1.1": 0x0302, "TLS 1.0": 0x0301}
CIPHERS = (0xC014, 0xC013, 0xC00A, 0xC009, 0x0039, 0x0033, 0x0035, 0x002F, 0x000A)
"""The suites that servers of that time have: ECDHE, DHE and RSA with AES or 3DES and SHA-1."""
TLS_1_2 = 0x0303
WEAK: dict[str, tuple[int, ...]] = {
    "encrypt nothing (NULL)": (0x0001, 0x0002, 0x003B, 0xC006, 0xC010),
    "authenticate no server (anonymous DH)": (0x0018, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D, 0xC016, 0xC018, 0xC019),
    "use RC4": (0x0004, 0x0005, 0xC007, 0xC011),
    "use DES or 3DES": (0x0009, 0x000A, 0x0015, 0x0016, 0xC008, 0xC012),
}
"""Suites that must not be negotiated (RFC 9325 section 4.1), by what is wrong with them."""
SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
"""The signature algorithms of a client of TLS 1.2 (RFC 5246 section 7.4.1.4.1)."""
HANDSHAKE, SERVER_HELLO = 22, 2


def client_hello(version: int, host: str, suites: Sequence[int] = CIPHERS) -> bytes:
    """Return the record with which a client offers this version at most, and these suites, for a host name."""
    name = host.encode("idna") if not host.isascii() else host.encode()
    server_name = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    extensions = b"".join(
        (
            _extension(0, server_name),
            _extension(10, struct.pack("!HHHH", 6, 0x001D, 0x0017, 0x0018)),
            _extension(11, b"\x01\x00"),
            _extension(13, struct.pack("!H", 2 * len(SIGNATURES)) + _numbers(SIGNATURES))
            if version == TLS_1_2
            else b"",
        )
    )
    ciphers = _numbers(suites)
    body = (
        struct.pack("!H", version)
        + os.urandom(32)
        + b"\x00"
        + struct.pack("!H", len(ciphers))
        + ciphers
        + b"\x01\x00"
        + struct.pack("!H", len(extensions))
        + extensions
    )
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", HANDSHAKE, 0x0301, len(message)) + message


def _numbers(values: Sequence[int]) -> bytes:
    return b"".join(struct.pack("!H", each) for each in values)


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack("!HH", number, len(content)) + content


def is_accepted(answer: bytes, version: int) -> bool:
    """Return whether the beginning of an answer is a ServerHello of this version. Anything else is a refusal."""
    return (
        len(answer) >= 11
        and answer[0] == HANDSHAKE
        and answer[5] == SERVER_HELLO
        and struct.unpack("!H", answer[9:11])[0] == version
    )
