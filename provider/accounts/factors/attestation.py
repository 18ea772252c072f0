"""Attestation of new passkeys (WebAuthn Level 3 section 6.5): which authenticators an operator accepts, and the proof.

By default none is asked for. With SIGNET_PASSKEY_ATTESTATION=direct, an authenticator has to prove by a certificate
chain that it is one of SIGNET_PASSKEY_AAGUIDS. Signatures and chains are checked by the `webauthn` library, which
trusts any chain if it has no root, and does not compare the AAGUID with the certificate: both is done here.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from provider.config.settings import Settings
from provider.refusals import Unavailable

if TYPE_CHECKING:
    from webauthn.helpers.structs import AttestationFormat
    from webauthn.registration.verify_registration_response import VerifiedRegistration

FORMATS = ("packed", "tpm", "android-key", "apple", "fido-u2f")
"""The attestation statement formats that prove something (section 8)."""
AAGUID_EXTENSION = "1.3.6.1.4.1.45724.1.1.4"
"""id-fido-gen-ce-aaguid (section 8.2.1)."""


def roots_of(settings: Settings) -> "dict[AttestationFormat, list[bytes]] | None":
    """Return the root certificates that are trusted, for each format; None if no attestation is asked for.

    Raises Unavailable if there are none: without roots every chain would be accepted.
    """
    from webauthn.helpers.structs import AttestationFormat  # noqa: PLC0415  # slow to import

    if settings.passkey_attestation == "none":
        return None
    roots = read_roots(settings.passkey_roots)
    if not roots:
        raise Unavailable
    return {AttestationFormat(name): roots for name in FORMATS}


def read_roots(folder: Path | None) -> list[bytes]:
    """Return the PEM files of this folder. Empty if it cannot be read."""
    try:
        return [file.read_bytes() for file in sorted(folder.glob("*.pem"))] if folder is not None else []
    except OSError:
        return []


def find_problem(settings: Settings, verified: "VerifiedRegistration") -> str | None:
    """Return why this authenticator is not accepted, or None. Its signature and its chain have been checked."""
    if settings.passkey_attestation == "none":
        return None
    if verified.fmt not in FORMATS:
        return f"the attestation is {verified.fmt!r}, which proves nothing"
    if verified.aaguid not in settings.passkey_aaguids:
        return f"the authenticator {verified.aaguid} is not in SIGNET_PASSKEY_AAGUIDS"
    return _find_problem_of_certificate(verified)


def _find_problem_of_certificate(verified: "VerifiedRegistration") -> str | None:
    """Return what section 8.2.1 does not allow in the attestation certificate, or None."""
    from cryptography import x509  # noqa: PLC0415
    from webauthn.helpers import parse_attestation_object  # noqa: PLC0415

    chain = parse_attestation_object(verified.attestation_object).att_stmt.x5c
    if not chain:
        return "the authenticator attests itself, without a certificate"
    extensions = x509.load_der_x509_certificate(chain[0]).extensions
    for extension in extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            return "the attestation certificate is that of an authority"
        # The value is an OCTET STRING of 16 bytes within the extension.
        if extension.oid.dotted_string == AAGUID_EXTENSION:
            value = extension.value.value if isinstance(extension.value, x509.UnrecognizedExtension) else b""
            if value[-16:].hex() != verified.aaguid.replace("-", ""):
                return "the attestation certificate is for another AAGUID"
    return None
