"""Certificates of clients, and the authorities that issue them."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from joserfc.jwk import ECKey

from provider.config.settings import Settings
from provider.jose.certificates import Certificate, read_der
from tests.support.client_keys import public

HEADER = "client-cert"
PROXY = "10.9.9.9"
"""The address of the proxy that is trusted with HEADER."""


@cache
def usual_key() -> ec.EllipticCurvePrivateKey:
    """The same one for the whole run."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Shown:
    """A certificate with its key, as a client has it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def read(self) -> Certificate:
        return read_der(self.certificate.public_bytes(Encoding.DER))

    @property
    def thumbprint(self) -> str:
        return self.read.thumbprint

    @property
    def x5c(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()

    @property
    def jwk(self) -> dict[str, Any]:
        """The key, as self_signed_tls_client_auth registers it."""
        return public(ECKey.import_key(self.key_pem), x5c=[self.x5c])

    @property
    def headers(self) -> dict[str, str]:
        """What a proxy sends that follows RFC 9440."""
        return {HEADER: f":{self.x5c}:"}

    @property
    def escaped(self) -> dict[str, str]:
        """What nginx sends as $ssl_client_escaped_cert."""
        return {HEADER: quote(self.pem, safe="")}

    def write(self, folder: Path) -> Path:
        """Write certificate and key into one file."""
        file = folder / f"{self.certificate.serial_number}.pem"
        file.write_text(self.pem + self.key_pem)
        return file


def issue(
    subject: str = "CN=client,O=Example",
    *names: x509.GeneralName,
    by: Shown | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    ca: bool = False,
    path_length: int | None = None,
    begins: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=1),
    now: datetime | None = None,
    use: x509.ObjectIdentifier | None = None,
) -> Shown:
    """A certificate for the subject, or for an authority with `ca`. It is self-signed without `by`."""
    now, key = now or datetime.now(UTC), key or usual_key()
    name = x509.Name.from_rfc4514_string(subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if use is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    return Shown(builder.sign(key if by is None else by.key, SHA256()), key)


FOR_CLIENTS, FOR_SERVERS = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def with_mutual_tls(settings: Settings, authorities: Path | None = None, **changes: Any) -> Settings:
    """These settings, with PROXY as a proxy that reports certificates in HEADER."""
    given = {
        "trusted_proxies": frozenset({PROXY}),
        "client_certificate_header": HEADER,
        "client_certificate_ca": authorities,
        **changes,
    }
    return settings.model_copy(update=given)
