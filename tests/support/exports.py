"""Exports of other systems, in the formats that those publish, with users whose password is PASSWORD."""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests.support.factories import PASSWORD

SALT = b"sixteen bytes of"
TOTP_SECRET = "RlR1dHZ4b3V0aG5zZXRh"
"""As Keycloak generates it: 20 characters, whose bytes are the key."""
ADA, GRACE = "6f3b2c1d-8e4a-4c57-9d21-0a1b2c3d4e5f", "0b9e7a52-3c1f-4d68-8a47-5e6f70819203"
CREDENTIAL_ID = bytes(range(32))


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def keycloak_password(algorithm: str = "argon2", *, iterations: int = 1, memory: int = 64) -> dict[str, Any]:
    """The credential of org.keycloak.models.credential.PasswordCredentialModel."""
    parameters: dict[str, list[str]] = {}
    if algorithm == "argon2":
        kdf = Argon2id(salt=SALT, length=32, iterations=iterations, lanes=1, memory_cost=64)
        value = kdf.derive(PASSWORD.encode())
        parameters = {
            "hashLength": ["32"],
            "memory": [str(memory)],
            "type": ["id"],
            "version": ["1.3"],
            "parallelism": ["1"],
        }
    else:
        digest = algorithm.removeprefix("pbkdf2").lstrip("-") or "sha1"
        value = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), SALT, iterations, 64)
    return {
        "id": "8a9d2c3e-0000-4000-8000-000000000001",
        "type": "password",
        "createdDate": 1700000000000,
        "secretData": json.dumps({"value": encoded(value), "salt": encoded(SALT), "additionalParameters": {}}),
        "credentialData": json.dumps(
            {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": parameters}
        ),
    }


def keycloak_otp(**changes: Any) -> dict[str, Any]:
    data = {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1", **changes}
    return {
        "type": "otp",
        "userLabel": "My phone",
        "secretData": json.dumps({"value": TOTP_SECRET}),
        "credentialData": json.dumps(data),
    }


def keycloak_passkey(public_key: bytes, kind: str = "webauthn-passwordless") -> dict[str, Any]:
    data = {
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "credentialId": encoded(CREDENTIAL_ID),
        "counter": 0,
        "credentialPublicKey": base64.urlsafe_b64encode(public_key).decode().rstrip("="),
        "attestationStatementFormat": "none",
        "transports": ["INTERNAL"],
    }
    return {"type": kind, "userLabel": "Laptop", "secretData": "{}", "credentialData": json.dumps(data)}


def keycloak_user(**changes: Any) -> dict[str, Any]:
    """org.keycloak.representations.idm.UserRepresentation, as `kc.sh export` writes it."""
    return {
        "id": ADA,
        "username": "ada",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@example.test",
        "emailVerified": True,
        "enabled": True,
        "totp": False,
        "createdTimestamp": 1700000000000,
        "credentials": [keycloak_password()],
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "realmRoles": ["default-roles-shop", "offline_access", "staff"],
        "clientRoles": {"shop": ["editor"], "account": ["view-profile"]},
        "notBefore": 0,
        "groups": [],
        **changes,
    }


def keycloak_client(**changes: Any) -> dict[str, Any]:
    """org.keycloak.representations.idm.ClientRepresentation."""
    return {
        "id": "1c2d3e4f-0000-4000-8000-000000000001",
        "clientId": "shop",
        "name": "Shop",
        "rootUrl": "https://shop.example.test",
        "baseUrl": "/",
        "enabled": True,
        "clientAuthenticatorType": "client-secret",
        "secret": "WYPBgrTEEGZNH6wZsP2zyK14LZHJi77K",
        "redirectUris": ["/callback"],
        "webOrigins": ["+"],
        "bearerOnly": False,
        "consentRequired": False,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "publicClient": False,
        "protocol": "openid-connect",
        "attributes": {"post.logout.redirect.uris": "+"},
        **changes,
    }


def keycloak_realm(users: list[dict[str, Any]], clients: list[dict[str, Any]] | None = None, **realm: Any) -> str:
    """org.keycloak.representations.idm.RealmRepresentation."""
    own = [{"clientId": "account", "protocol": "openid-connect"}, {"clientId": "realm-management"}]
    return json.dumps(
        {
            "id": "shop",
            "realm": "shop",
            "enabled": True,
            "roles": {"realm": [{"name": "staff"}], "client": {}},
            "webAuthnPolicyRpId": "",
            "webAuthnPolicyPasswordlessRpId": "",
            **realm,
            "users": users,
            "clients": [*own, *(clients or [])],
            "keycloakVersion": "26.0.0",
        },
        indent=2,
    )
