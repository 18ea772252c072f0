"""Whether an authority that operators trust issued a client's certificate (RFC 5280 section 6)."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from provider.jose.certificates import Certificate

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import ExtensionPolicy, Policy, Store


class AuthoritiesUnavailable(Exception):
    """The file of the authorities cannot be used."""


def find_problem(certificate: Certificate, authorities: Path, now: datetime) -> str | None:
    """Return why no certificate of `authorities` vouches for this one now, or None.

    The path is built from the certificates of the file alone, so intermediate authorities have to be in it (decision
    283). Validity times, path lengths, name constraints and basic constraints are checked, and that the
    certificate is for clients.
    Raises AuthoritiesUnavailable.
    """
    from cryptography.x509.verification import PolicyBuilder, VerificationError  # noqa: PLC0415

    ca_policy, ee_policy = _policies()
    builder = PolicyBuilder().store(_store_of(authorities)).time(now)
    verifier = builder.extension_policies(ca_policy=ca_policy, ee_policy=ee_policy).build_client_verifier()
    try:
        verifier.verify(certificate.parsed, [])
    except (VerificationError, ValueError) as error:
        parsed = certificate.parsed
        if not parsed.not_valid_before_utc <= now <= parsed.not_valid_after_utc:
            return f"it is valid from {parsed.not_valid_before_utc:%Y-%m-%d} to {parsed.not_valid_after_utc:%Y-%m-%d}"
        return str(error).partition(" (encountered")[0].rpartition(": ")[2]
    return None


@lru_cache(maxsize=4)
def _store_of(authorities: Path) -> "Store":
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.verification import Store  # noqa: PLC0415

    try:
        return Store(x509.load_pem_x509_certificates(authorities.read_bytes()))
    except (OSError, ValueError) as error:
        raise AuthoritiesUnavailable(str(error)) from None


@lru_cache(maxsize=1)
def _policies() -> "tuple[ExtensionPolicy, ExtensionPolicy]":
    """Return the rules for authorities and for clients.

    They are those of RFC 5280, not of public web servers: a private authority need not write key identifiers, and the
    certificate of a client need not have subjectAltName.
    """
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415
    from cryptography.x509.verification import Criticality, ExtensionPolicy  # noqa: PLC0415

    for_clients = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}

    def require_authority(_: "Policy", __: "x509.Certificate", constraints: "x509.BasicConstraints") -> None:
        if not constraints.ca:
            raise ValueError("it was issued by a certificate that is not one of an authority")

    def require_signing(_: "Policy", __: "x509.Certificate", usage: "x509.KeyUsage | None") -> None:
        if usage is not None and not usage.key_cert_sign:
            raise ValueError("it was issued by an authority that may not sign certificates")

    def require_client(_: "Policy", __: "x509.Certificate", uses: "x509.ExtendedKeyUsage | None") -> None:
        if uses is not None and for_clients.isdisjoint(uses):
            raise ValueError("its extended key usage does not include clients (clientAuth)")

    anywhere = Criticality.AGNOSTIC
    ca_policy = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, anywhere, require_authority)
        .may_be_present(x509.KeyUsage, anywhere, require_signing)
    )
    return ca_policy, ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, anywhere, require_client)
