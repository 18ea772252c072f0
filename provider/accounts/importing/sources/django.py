"""Django and authentik, which is written with Django: what `manage.py dumpdata` and `ak dumpdata` write."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from provider.database.base import is_id

GROUPS = {"auth.group", "authentik_core.group"}
TOTP = {"otp_totp.totpdevice", "authentik_stages_authenticator_totp.totpdevice"}
PASSKEYS = {"authentik_stages_authenticator_webauthn.webauthndevice"}
NOT_PEOPLE = {"service_account", "internal_service_account"}
"""Types of users of authentik that are programs."""


@dataclass
class _Related:
    """The rows that belong to the users of a dump: groups by key, and devices by the key of their user."""

    groups: dict[str, str] = field(default_factory=dict)
    totp: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    passkeys: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    user_models: set[str] = field(default_factory=set)


def read_rows(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the users of a dump. Raises UnreadableFile."""
    related = _Related()
    for entry in read_entries(file):
        _note_related(related, entry.value)
    if not related.user_models:
        raise UnreadableFile("The file has no users: no object in it has the fields password and email.")
    if len(related.user_models) > 1:
        models = ", ".join(sorted(related.user_models))
        raise UnreadableFile(f"The file has users of several models: {models}. Write one of them into a file.")
    file.seek(0)
    users = (entry for entry in read_entries(file) if _model(entry.value) in related.user_models)
    return rows_of(users, lambda entry: _user(entry, context, related))


def _model(value: object) -> str:
    return text_of(value.get("model")).lower() if isinstance(value, dict) else ""


def _note_related(related: _Related, value: Any) -> None:
    model = _model(value)
    fields = value.get("fields") if isinstance(value, dict) else None
    if not isinstance(fields, dict):
        raise UnreadableFile("The file is not what dumpdata writes: an object has no fields.")
    if model in GROUPS:
        related.groups[_key(value.get("pk"))] = text_of(fields.get("name"))
    elif model in TOTP:
        related.totp[_key(fields.get("user"))].append(fields)
    elif model in PASSKEYS:
        related.passkeys[_key(fields.get("user"))].append(fields)
    elif "password" in fields and "email" in fields:
        related.user_models.add(model)


def _key(value: object) -> str:
    """Return a key as text. With natural keys it is a list, such as the name of a user."""
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def _user(entry: Entry, context: Context, related: _Related) -> Draft | None:
    fields, pk = entry.value["fields"], entry.value.get("pk")
    if fields.get("type") in NOT_PEOPLE:
        return None
    source_id = text_of(fields.get("uuid")) or str(pk)
    draft = Draft(context, entry.line, source_id=source_id, email=fields["email"])
    draft.user_id = source_id if is_id(source_id) else None
    draft.is_disabled = fields.get("is_active") is False
    password = text_of(fields["password"])
    if password and not password.startswith("!"):  # set_unusable_password()
        draft.password_hash = password
    draft.claim("name", fields.get("name"))
    draft.claim("given_name", fields.get("first_name"))
    draft.claim("family_name", fields.get("last_name"))
    username = text_of(fields.get("username"))
    if username != fields["email"]:
        draft.claim("preferred_username", username)
    draft.groups = _groups(fields.get("groups") or fields.get("ak_groups") or [], related)
    if fields.get("is_superuser") or fields.get("is_staff"):
        draft.note("is_staff and is_superuser are skipped: give the user a role instead.")
    if fields.get("user_permissions"):
        draft.note("user_permissions are skipped.")
    if isinstance(attributes := fields.get("attributes"), dict):  # of authentik
        for name, value in attributes.items():
            draft.attribute(name, value)
    for key in dict.fromkeys((_key(pk), username)):
        _add_devices(draft, related, key)
    return draft


def _groups(keys: Sequence[Any], related: _Related) -> list[str]:
    return [related.groups.get(_key(key)) or _key(key) for key in keys]


def _add_devices(draft: Draft, related: _Related, key: str) -> None:
    for device in related.totp.get(key, ()):
        if device.get("confirmed") is not False:
            draft.totp(
                bytes.fromhex(device["key"]),
                name=device.get("name"),
                digits=int(device.get("digits") or 0),
                period=device.get("step"),
                algorithm="sha1",
            )
    for device in related.passkeys.get(key, ()):
        if device.get("confirmed") is not False:
            draft.passkey(_passkey(device), domain=text_of(device.get("rp_id")) or None)


def _passkey(device: Mapping[str, Any]) -> MovedPasskey:
    return MovedPasskey(
        credential_id=credential_id_of(device["credential_id"]),
        public_key=decode(device["public_key"]),
        sign_count=int(device.get("sign_count") or 0),
        aaguid=text_of(device.get("aaguid")),
        name=text_of(device.get("name")),
        is_second_factor=True,
    )
