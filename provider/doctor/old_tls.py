"""A ClientHello for versions of TLS that are not to be used any more (RFC 8996), byte by byte (RFC 4346 section 7.4.1).

Our own TLS library may refuse to offer them, and then could not say whether the server accepts them.
"""

import os
import struct

VERSIONS = {"TLS 1.1": 0x0302, "TLS 1.0": 0x0301}
CIPHERS = (0xC014, 0xC013, 0xC00A, 0xC009, 0x0039, 0x0033, 0x0035, 0x002F, 0x000A)
"""The suites that servers of that time have: ECDHE, DHE and RSA with AES or 3DES and SHA-1."""
HANDSHAKE, SERVER_HELLO = 22, 2


def client_hello(version: int, host: str) -> bytes:
    """Return the record with which a client offers this version at most, for a host name."""
    name = host.encode("idna") if not host.isascii() else host.encode()
    server_name = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    extensions = b"".join(
        (
            _extension(0, server_name),
            _extension(10, struct.pack("!HHHH", 6, 0x001D, 0x0017, 0x0018)),
            _extension(11, b"\x01\x00"),
        )
    )
    ciphers = b"".join(struct.pack("!H", each) for each in CIPHERS)
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
