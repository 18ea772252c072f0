"""A certificate authority of the tests' own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """`file` is what a client trusts; `issue` is what a server shows."""

    def __init__(self, folder: Path, name: str = "The tests' authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        built = self._begin(self._name, self._key, expires=DAY).add_extension(constraints, critical=True)
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        own = built.add_extension(usage, critical=True).sign(self._key, SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(own.public_bytes(Encoding.PEM))

    def _begin(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, expires: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        own_key = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + expires)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own_key), critical=False)
        )

    def issue(self, *hosts: str, expires: timedelta = DAY) -> ssl.SSLContext:
        """A server's context with a certificate for these names and addresses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue_file(*hosts, expires=expires))
        return context

    def issue_file(self, *hosts: str, expires: timedelta = DAY, key: rsa.RSAPrivateKey | None = None) -> Path:
        """The same as one file: key, then certificate. The key is another EC key each time, unless it is given."""
        own = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        made = self._begin(subject, own, expires=expires).add_extension(names, critical=False).sign(self._key, SHA256())
        file = self._folder / f"{made.serial_number}.pem"
        private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + made.public_bytes(Encoding.PEM))
        return file


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
