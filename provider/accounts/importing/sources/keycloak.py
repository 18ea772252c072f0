"""Keycloak: the export of a realm (`kc.sh export`), in one file or of users only (`REALM-users-0.json`)."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from provider.accounts.importing.files import Row, UnreadableFile
from provider.accounts.importing.json_stream import Entry, read_entries
from provider.accounts.importing.moving import MovedPasskey
from provider.accounts.importing.sources.draft import (
    Context,
    Draft,
    credential_id_of,
    decode,
    rows_of,
    text_of,
)
from provider.accounts.importing.sources.keycloak_roles import (
    OWN_CLIENTS,
    RealmRoles,
    Role,
    group_name,
    name_of,
    roles_in,
)
from provider.database.base import is_id

ARRAYS = {"users", "clients"}
ATTRIBUTES = {"locale": "locale", "phoneNumber": "phone_number", "phone_number": "phone_number", "website": "website"}
"""The attributes that are fields of the profile."""
ARGON2_VERSIONS = {"1.0": 16, "1.3": 19}
SECOND_FACTOR, PASSKEY = "webauthn", "webauthn-passwordless"
RP_IDS = {SECOND_FACTOR: "webAuthnPolicyRpId", PASSKEY: "webAuthnPolicyPasswordlessRpId"}
"""The members of the realm with the domain of its passkeys. Empty: that of Keycloak."""


@dataclass
class _Realm:
    """The parts of a realm about its users that are in other places of the file."""

    domains: dict[str, str] = field(default_factory=dict)
    roles: RealmRoles = field(default_factory=RealmRoles)
    roles_of_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes_of_groups: Mapping[str, str] = field(default_factory=dict)


def read_rows(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the users of a realm, except those that are service accounts of clients. Raises UnreadableFile."""
    realm = _read_realm(file)
    file.seek(0)
    users = (entry for entry in read_entries(file, arrays=ARRAYS) if entry.name == "users")
    return rows_of(users, lambda entry: _user(entry, context, realm))


def _read_realm(file: BinaryIO) -> _Realm:
    realm = _Realm()
    for entry in read_entries(file, arrays=ARRAYS):
        try:
            if entry.name in RP_IDS.values():
                realm.domains[entry.name] = text_of(entry.value)
            elif entry.name == "roles":
                realm.roles.read_roles(entry.value)
            elif entry.name == "groups":
                realm.roles.read_groups(entry.value)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UnreadableFile(f"The member {entry.name} of the realm is not in the format of the export.") from None
    realm.roles_of_groups, realm.notes_of_groups = realm.roles.of_groups()
    return realm


def read_clients(file: BinaryIO) -> Iterator[Entry]:
    """Yield the clients of a realm, except those of Keycloak itself. Raises UnreadableFile."""
    for entry in read_entries(file, arrays=ARRAYS):
        is_own = isinstance(entry.value, dict) and entry.value.get("clientId") in OWN_CLIENTS
        if entry.name == "clients" and not is_own:
            yield entry


def _user(entry: Entry, context: Context, realm: _Realm) -> Draft | None:
    user = entry.value
    if user.get("serviceAccountClientId"):
        return None
    draft = Draft(context, entry.line, source_id=text_of(user.get("id")), email=user.get("email"))
    draft.user_id = draft.source_id if is_id(draft.source_id) else None
    draft.is_verified = user.get("emailVerified") is True
    draft.is_disabled = user.get("enabled") is False
    username = text_of(user.get("username"))
    if username != user.get("email"):
        draft.claim("preferred_username", username)
    draft.claim("given_name", user.get("firstName"))
    draft.claim("family_name", user.get("lastName"))
    _read_attributes(draft, user.get("attributes") or {})
    _read_roles(draft, realm.roles.with_parts(roles_in(user)))
    draft.groups = [group_name(path) for path in user.get("groups") or []]
    draft.roles_of_groups = realm.roles_of_groups
    draft.notes += [realm.notes_of_groups[name] for name in draft.groups if name in realm.notes_of_groups]
    for identity in user.get("federatedIdentities") or []:
        draft.identity(str(identity["identityProvider"]), identity.get("userId"))
    for credential in user.get("credentials") or []:
        _read_credential(draft, credential, realm.domains)
    if user.get("federationLink"):
        draft.note("The user comes from a user federation, which has the password.")
    if actions := user.get("requiredActions"):
        draft.note(f"Required actions are skipped: {', '.join(map(str, actions))}.")
    return draft


def _read_attributes(draft: Draft, attributes: Mapping[str, Any]) -> None:
    for name, values in attributes.items():
        value = values[0] if isinstance(values, list) and len(values) == 1 else values
        if name in ATTRIBUTES and isinstance(value, str) and name not in draft.context.attributes:
            draft.claim(ATTRIBUTES[name], value)
        else:
            draft.attribute(name, value)


def _read_roles(draft: Draft, roles: Iterable[Role]) -> None:
    gives_permissions = False
    for role in roles:
        name = name_of(role)
        if name is not None:
            draft.role(name)
        gives_permissions = gives_permissions or role[0] == "realm-management"
    if gives_permissions:
        draft.note("Roles of realm-management are skipped: they give permissions in Keycloak.")


def _read_credential(draft: Draft, credential: Mapping[str, Any], domains: Mapping[str, str]) -> None:
    kind = credential.get("type")
    data = json.loads(credential.get("credentialData") or "{}")
    secret = json.loads(credential.get("secretData") or "{}")
    if kind == "password":
        draft.password_hash = _hash(credential, data, secret)
        if draft.password_hash is None:
            draft.note("The password is skipped: the export has no hash of it.")
    elif kind == "otp" and data.get("subType") == "totp":
        algorithm = str(data.get("algorithm", "")).lower().removeprefix("hmac")
        key = _key(secret["value"], data.get("secretEncoding"))
        name = credential.get("userLabel")
        draft.totp(key, name=name, digits=data.get("digits"), period=data.get("period"), algorithm=algorithm)
    elif kind in RP_IDS:
        draft.passkey(_passkey(credential, data), domain=domains.get(RP_IDS[kind]) or None)
    else:
        draft.note(f"A credential is skipped: {kind}.")


def _hash(credential: Mapping[str, Any], data: Mapping[str, Any], secret: Mapping[str, Any]) -> str | None:
    """Return the text of a password hash. Before Keycloak 8 the parts of it were members of the credential."""
    value = secret.get("value") or credential.get("hashedSaltedValue")
    if not value:
        return None
    algorithm = str(data.get("algorithm") or credential.get("algorithm"))
    iterations = data.get("hashIterations") or credential.get("hashIterations")
    salt = secret.get("salt") or credential.get("salt") or ""
    if algorithm == "argon2":
        given = {name: values[0] for name, values in data["additionalParameters"].items()}
        version = ARGON2_VERSIONS.get(given["version"], given["version"])
        costs = f"m={given['memory']},t={iterations},p={given['parallelism']}"
        return f"$argon2{given['type']}$v={version}${costs}${salt}${value}"
    if algorithm.startswith("pbkdf2"):
        return f"${algorithm}$i={iterations}${salt}${value}"
    return f"{{bcrypt}}{value}" if str(value).startswith("$2") else str(value)


def _key(value: str, encoding: object) -> bytes:
    """Return the key of an authenticator app, which is text of its own unless it is marked as base32."""
    if encoding is None:
        return value.encode()
    return base64.b32decode(value + "=" * (-len(value) % 8), casefold=True)


def _passkey(credential: Mapping[str, Any], data: Mapping[str, Any]) -> MovedPasskey:
    return MovedPasskey(
        credential_id=credential_id_of(data["credentialId"]),
        public_key=decode(data["credentialPublicKey"]),
        sign_count=int(data.get("counter") or 0),
        aaguid=text_of(data.get("aaguid")),
        transports=[str(transport).lower() for transport in data.get("transports") or []],
        name=text_of(credential.get("userLabel")),
        is_second_factor=credential.get("type") == SECOND_FACTOR,
    )
