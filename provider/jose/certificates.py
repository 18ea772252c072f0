"""X.509 certificates of clients (RFC 5280): their thumbprint, their key, their names. Pure.

`cryptography.x509` is loaded with the first certificate: most installations never see one.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from provider.jose import base64url

if TYPE_CHECKING:
    from cryptography import x509

LARGEST = 16 * 1024
"""The largest certificate as text, in characters. One with an RSA key of 4096 bits has about 4,000."""
_PEM = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


class InvalidCertificate(Exception):
    """A certificate that cannot be read. The text says why."""


@dataclass(frozen=True)
class Certificate:
    """A certificate that can be read, by its DER encoding."""

    der: bytes
    parsed: "x509.Certificate"

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 digest of the DER encoding."""
        return hashlib.sha256(self.der).digest()

    @cached_property
    def thumbprint(self) -> str:
        """The value of `x5t#S256` (RFC 7515 section 4.1.8, RFC 8705 section 3.1)."""
        return base64url.encode(self.digest).decode()

    @cached_property
    def public_key(self) -> Any:
        """The public key, as `cryptography` has it. None if it is of a kind that is not supported."""
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

        try:
            return self.parsed.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None

    @cached_property
    def other_names(self) -> "tuple[x509.GeneralName, ...]":
        """The names in subjectAltName (RFC 5280 section 4.2.1.6). Empty if there are none, or none that can be read."""
        from cryptography import x509  # noqa: PLC0415

        try:
            found = self.parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
            return ()
        return tuple(found.value)

    @cached_property
    def shown(self) -> str:
        """The subject, for explanations. The thumbprint if it is empty."""
        try:
            return self.parsed.subject.rfc4514_string() or self.thumbprint
        except ValueError:
            return self.thumbprint


def read_der(der: bytes) -> Certificate:
    """Parse a certificate. Raises InvalidCertificate."""
    from cryptography import x509  # noqa: PLC0415

    try:
        return Certificate(der, x509.load_der_x509_certificate(der))
    except (ValueError, TypeError):
        raise InvalidCertificate("it is not a certificate in DER") from None


@lru_cache(maxsize=256)
def read_header(value: str) -> Certificate:
    """Parse a certificate in the header of a proxy: RFC 9440 (`:BASE64:`), percent-encoded PEM as nginx writes it, or
    the base64 of its DER encoding.

    A client connects with the same certificate each time, so the latest ones are remembered. Raises InvalidCertificate.
    """
    if len(value) > LARGEST:
        raise InvalidCertificate("it is too long")
    if value.startswith(":") and value.endswith(":") and len(value) > 2:
        return read_der(_decode(value[1:-1]))
    if "BEGIN" in value:
        pem = _PEM.fullmatch(unquote_to_bytes(value))
        if pem is None:
            raise InvalidCertificate("it is not one certificate in PEM")
        return read_der(_decode(b"".join(pem[1].split())))
    return read_der(_decode(value))


def read_x5c(text: object) -> Certificate:
    """Parse an entry of `x5c`: the base64 of a certificate (RFC 7517 section 4.7). Raises InvalidCertificate."""
    if not isinstance(text, str) or len(text) > LARGEST:
        raise InvalidCertificate("it is not a short text")
    return read_der(_decode(text))


def _decode(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidCertificate("it is not in base64") from None
