"""WebAuthn Level 3: the options for a browser, and the checks of what it answers. Nothing here is stored.

A challenge is a sealed value, so a page that is only shown writes nothing. It names whom it was made for: a session, or
a browser on the way to an application. `passkeys` uses each one up when it is answered.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from provider.accounts.factors import attestation
from provider.accounts.factors.store.passkeys import Passkey
from provider.config.settings import Settings
from provider.crypto.digests import digest, new_opaque
from provider.languages.text import Text
from provider.refusals import Refusal, Unavailable
from provider.urls import origin_of
from provider.work import UnitOfWork

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

CHALLENGE_LIFETIME = timedelta(minutes=5)
ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256 and RS256 by their COSE identifiers, the preferred one first."""
LONGEST_ANSWER = 12_000
"""Characters of a browser's answer. An attestation with its certificates is the longest."""
LEAST_RSA_BITS = 2048
LONGEST_REASON = 200
LONGEST_ID = 1023
"""Bytes of a credential ID (WebAuthn Level 3 section 7.1)."""
TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})


class InvalidPasskey(Refusal):
    """The answer of the browser is not valid. `reason` says why, for the audit log."""

    code = "invalid-passkey"
    title = Text("That passkey didn't work")
    message = Text("That passkey didn't work. Try again.")

    def __init__(self, reason: str, message: Text | None = None) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True)
class Challenge:
    """A challenge that came back in time, from whom it was made for."""

    value: bytes
    digest: bytes
    expires_at: datetime
    is_conditional: bool = False
    """Whether it is for a creation with conditional mediation (section 5.1.3)."""


@dataclass(frozen=True)
class NewCredential:
    """A credential that a browser created for a user."""

    credential_id: str
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: tuple[str, ...]
    is_synced: bool
    is_backed_up: bool


@dataclass(frozen=True)
class Assertion:
    """A valid signature of a passkey."""

    sign_count: int
    is_backed_up: bool
    is_synced: bool


def creation_options(
    work: UnitOfWork,
    *,
    bound_to: str,
    user_id: str,
    name: str,
    display_name: str,
    held: list[Passkey],
    is_conditional: bool = False,
) -> dict[str, Any]:
    """Return PublicKeyCredentialCreationOptionsJSON (section 5.4) for a new passkey of this user.

    `held` are those that the user has: their authenticators create no second one. `is_conditional` is for a creation
    with conditional mediation, for which nobody needs to be present (section 5.1.3).
    """
    return {
        "rp": {"id": rp_id(work.settings), "name": work.settings.brand},
        "user": {"id": handle_of(user_id), "name": name, "displayName": display_name},
        "challenge": _new_challenge(work, "create", bound_to, is_conditional=is_conditional),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in ALGORITHMS],
        "timeout": int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        "excludeCredentials": [_descriptor(passkey) for passkey in held],
        # A security key without a PIN can still be a second factor.
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        "attestation": work.settings.passkey_attestation,
    }


def request_options(work: UnitOfWork, *, bound_to: str, held: list[Passkey] | None) -> dict[str, Any]:
    """Return PublicKeyCredentialRequestOptionsJSON (section 5.5).

    With `held`, one of these passkeys has to answer, as a second factor. Without, any passkey may, which names its user
    and has to verify them.
    """
    return {
        "challenge": _new_challenge(work, "get", bound_to),
        "timeout": int(CHALLENGE_LIFETIME.total_seconds() * 1000),
        "rpId": rp_id(work.settings),
        "allowCredentials": [_descriptor(passkey) for passkey in held or ()],
        "userVerification": "required" if held is None else "preferred",
    }


def verify_creation(work: UnitOfWork, answer: str, *, bound_to: str) -> tuple[NewCredential, Challenge]:
    """Check a RegistrationResponseJSON (section 7.1). Raises InvalidPasskey."""
    from webauthn import verify_registration_response  # noqa: PLC0415  # slow to import, and commands need none of it

    credential = read_answer(answer)
    challenge = _open_challenge(work, credential, "create", bound_to)
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge.value,
            expected_rp_id=rp_id(work.settings),
            expected_origin=_origin(work.settings),
            # Section 7.1, step 15: a creation with conditional mediation needs nobody to be present.
            require_user_presence=not challenge.is_conditional,
            supported_pub_key_algs=_algorithms(),
            pem_root_certs_bytes_by_fmt=attestation.roots_of(work.settings),
        )
        _require_strong_key(verified.credential_public_key)
        problem = attestation.find_problem(work.settings, verified)
    except (InvalidPasskey, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001  # the library lets errors of its parsers through
        raise InvalidPasskey(_said(error)) from None
    if problem is not None:
        raise InvalidPasskey(
            problem, Text("This kind of passkey isn't allowed here. Use another device or security key.")
        )
    if len(verified.credential_id) > LONGEST_ID:
        raise InvalidPasskey("the credential ID is too long")
    named = credential["response"].get("transports")
    transports = [name for name in named if name in TRANSPORTS] if isinstance(named, list) else []
    return (
        NewCredential(
            credential_id=_encode(verified.credential_id),
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            aaguid=verified.aaguid,
            transports=tuple(sorted(set(transports))),
            is_synced=verified.credential_device_type == "multi_device",
            is_backed_up=verified.credential_backed_up,
        ),
        challenge,
    )


def verify_assertion(
    work: UnitOfWork,
    credential: dict[str, Any],
    passkey: Passkey,
    *,
    bound_to: str,
    must_verify_user: bool,
    origins: list[str] | None = None,
) -> tuple[Assertion, Challenge]:
    """Check an AuthenticationResponseJSON of this passkey (section 7.2), but for its counter. Raises InvalidPasskey.

    `origins` are those of apps, for an answer that is not of our own pages.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415

    challenge = _open_challenge(work, credential, "get", bound_to)
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge.value,
            expected_rp_id=rp_id(work.settings),
            expected_origin=_origin(work.settings) if origins is None else origins,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=must_verify_user,
        )
    except Exception as error:  # noqa: BLE001  # as above
        raise InvalidPasskey(_said(error)) from None
    owner = credential["response"].get("userHandle")
    if owner is not None and owner != handle_of(passkey.user_id):
        raise InvalidPasskey("the user handle is of another user")
    is_synced = verified.credential_device_type == "multi_device"
    if is_synced != passkey.is_synced and not passkey.is_eligibility_unknown:
        raise InvalidPasskey("the backup eligibility changed")
    return Assertion(verified.new_sign_count, verified.credential_backed_up, is_synced), challenge


def read_answer(answer: str) -> dict[str, Any]:
    """Return the JSON that a browser sent, as far as its form is known: an object with an `id` and a `response`.

    Raises InvalidPasskey.
    """
    try:
        credential = json.loads(answer) if len(answer) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        credential = None
    if (
        not isinstance(credential, dict)
        or not isinstance(credential.get("id"), str)
        or not isinstance(credential.get("response"), dict)
    ):
        raise InvalidPasskey("the answer is not the JSON of a credential")
    return credential


def rp_id(settings: Settings) -> str:
    """Return the relying party ID: the host of the issuer. All paths and ports of the host share their passkeys."""
    return urlsplit(settings.issuer).hostname or ""


def handle_of(user_id: str) -> str:
    """Return the user handle (section 4) in base64url."""
    return _encode(user_id.encode())


def _origin(settings: Settings) -> str:
    return origin_of(settings.issuer) or ""


def _new_challenge(work: UnitOfWork, purpose: str, bound_to: str, *, is_conditional: bool = False) -> str:
    value = {"for": bound_to, "random": new_opaque(), "conditional": is_conditional}
    sealed = work.vault.seal(value, purpose=f"passkey-{purpose}", now=work.now, lifetime=CHALLENGE_LIFETIME)
    return _encode(sealed.encode())


def _open_challenge(work: UnitOfWork, credential: dict[str, Any], purpose: str, bound_to: str) -> Challenge:
    """Return the challenge that the browser signed. Raises InvalidPasskey."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json  # noqa: PLC0415

    try:
        client_data = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        sealed = client_data.challenge.decode("ascii")
    except Exception:  # noqa: BLE001  # as above
        raise InvalidPasskey("clientDataJSON is malformed") from None
    if client_data.cross_origin:
        raise InvalidPasskey("the page was in a frame of another origin")
    opened = work.vault.unseal(sealed, purpose=f"passkey-{purpose}", now=work.now)
    if opened is None:
        raise InvalidPasskey("the challenge has expired or is not ours", Text("That took too long. Try again."))
    if opened["for"] != bound_to:
        raise InvalidPasskey("the challenge is for another session, browser or request")
    expires_at = work.now + CHALLENGE_LIFETIME
    return Challenge(client_data.challenge, digest(sealed), expires_at, is_conditional=opened.get("conditional", False))


def _descriptor(passkey: Passkey) -> dict[str, Any]:
    return {"type": "public-key", "id": passkey.credential_id, "transports": passkey.transports.split()}


def _require_strong_key(public_key: bytes) -> None:
    """Raise InvalidPasskey for a key that nothing could verify with, or that is too weak (RFC 8230 section 6.1)."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography  # noqa: PLC0415

    key = decoded_public_key_to_cryptography(decode_credential_public_key(public_key))
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        raise InvalidPasskey("the RSA key is too short")
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise InvalidPasskey("the key is not on the curve of ES256")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:LONGEST_REASON]


def _algorithms() -> "list[COSEAlgorithmIdentifier]":
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415

    return [COSEAlgorithmIdentifier(alg) for alg in ALGORITHMS]


def _encode(value: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    from webauthn.helpers import bytes_to_base64url  # noqa: PLC0415

    return bytes_to_base64url(value)
