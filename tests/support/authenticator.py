"""An authenticator in software: it answers WebAuthn options as a browser with a security key would.

Every part of an answer can be made wrong, for the negative cases.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, cast

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.browser import Page
from tests.support.installation import ISSUER

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
"""The flags of authenticator data (WebAuthn Level 3 section 6.1)."""
GOOGLE = "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"
EDDSA, ES256, RS256 = -8, -7, -257
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class Credential:
    """A key pair on the authenticator."""

    id: bytes
    key: Key
    rp_id: str
    user_handle: bytes
    sign_count: int = 0


@dataclass
class Authenticator:
    """One device. `flags` are those of every answer."""

    origin: str = ISSUER
    aaguid: str = GOOGLE
    alg: int = ES256
    flags: int = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
    counts: bool = False
    """Whether it counts signatures, as a security key does and a synced passkey does not."""
    credentials: list[Credential] = field(default_factory=list)

    def create(self, options: Mapping[str, Any], **wrong: Any) -> str:
        """Answer navigator.credentials.create() with RegistrationResponseJSON. `wrong` replaces parts (`_client_data`,
        `_data`), or has `cose`, `attestation` or `credential_id`.
        """
        key = new_key(self.alg)
        credential = Credential(
            wrong.pop("credential_id", secrets.token_bytes(16)),
            key,
            options["rp"]["id"],
            decode(options["user"]["id"]),
        )
        self.credentials.append(credential)
        cose = wrong.pop("cose", None) or cbor2.dumps(cose_key(key))
        attestation = wrong.pop("attestation", {"fmt": "none", "attStmt": {}})
        attested = (
            bytes.fromhex(self.aaguid.replace("-", "")) + len(credential.id).to_bytes(2, "big") + credential.id + cose
        )
        client_data = self._client_data("webauthn.create", options, wrong)
        data = self._data(credential, wrong, more=ATTESTED) + attested
        signed = data + hashlib.sha256(client_data).digest()
        statement = attestation(signed) if callable(attestation) else attestation
        response = {
            "clientDataJSON": encode(client_data),
            "attestationObject": encode(cbor2.dumps({**statement, "authData": data})),
            "transports": ["internal", "hybrid"],
        }
        return self._answer(credential, response, wrong)

    def get(self, options: Mapping[str, Any], **wrong: Any) -> str:
        """Answer navigator.credentials.get() with AuthenticationResponseJSON.

        `wrong` is as for `create`, or has `signature` or `user_handle`.
        """
        allowed = {one["id"] for one in options["allowCredentials"]}
        credential = next(one for one in self.credentials if not allowed or encode(one.id) in allowed)
        if self.counts:
            credential.sign_count += 1
        client_data = self._client_data("webauthn.get", options, wrong)
        data = self._data(credential, wrong)
        signature = sign(credential.key, data + hashlib.sha256(client_data).digest())
        response = {
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(wrong.pop("signature", signature)),
            "userHandle": encode(wrong.pop("user_handle", credential.user_handle)),
        }
        return self._answer(credential, response, wrong)

    def _client_data(self, ceremony: str, options: Mapping[str, Any], wrong: dict[str, Any]) -> bytes:
        members = {
            "type": wrong.pop("type", ceremony),
            "challenge": wrong.pop("challenge", options["challenge"]),
            "origin": wrong.pop("origin", self.origin),
            "crossOrigin": wrong.pop("cross_origin", False),
        }
        return cast("bytes", wrong.pop("client_data", json.dumps(members).encode()))

    def _data(self, credential: Credential, wrong: dict[str, Any], *, more: int = 0) -> bytes:
        rp_id: str = wrong.pop("rp_id", credential.rp_id)
        flags: int = wrong.pop("flags", self.flags) | more
        count: int = wrong.pop("sign_count", credential.sign_count)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _answer(self, credential: Credential, response: dict[str, Any], wrong: dict[str, Any]) -> str:
        change: Callable[[dict[str, Any]], object] = wrong.pop("change", lambda _answer: None)
        answer = {
            "id": encode(credential.id),
            "rawId": encode(credential.id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }
        assert not wrong, f"unknown parts: {sorted(wrong)}"
        change(answer)
        return json.dumps(answer)


def new_key(alg: int) -> Key:
    if alg == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    if alg == RS256:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def cose_key(key: Key) -> dict[int, Any]:
    """Return the public key as a COSE_Key (RFC 9053 section 7, RFC 8230 section 4)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()}
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {1: 3, 3: RS256, -1: numbers.n.to_bytes(key.key_size // 8, "big"), -2: numbers.e.to_bytes(3, "big")}
    point = key.public_key().public_numbers()
    size = (key.curve.key_size + 7) // 8
    return {1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(size, "big"), -3: point.y.to_bytes(size, "big")}


def sign(key: Key, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    return key.sign(message, ec.ECDSA(SHA256()))


def question_of(page: Page, attribute: str = "data-question") -> dict[str, Any]:
    """What the page asks the browser."""
    text = unescape(page.html.split(f'{attribute}="')[1].split('"')[0])
    question: dict[str, Any] = json.loads(text)
    return question


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
