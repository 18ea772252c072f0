"""Firebase: what `firebase auth:export FILE --format=json` writes, and the project's parameters of password hashes."""

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from provider.accounts.importing.files import Row, UnreadableFile
from provider.accounts.importing.json_stream import Entry, read_entries
from provider.accounts.importing.sources.draft import Context, Draft, rows_of, text_of
from provider.crypto.foreign_hashes import firebase_hash

PARAMETERS = {
    "algorithm": r"SCRYPT",
    "base64_signer_key": r"[A-Za-z0-9+/=_-]+",
    "base64_salt_separator": r"[A-Za-z0-9+/=_-]*",
    "rounds": r"[0-9]{1,2}",
    "mem_cost": r"[0-9]{1,2}",
}
OWN_PROVIDERS = {"password", "phone"}


def read_parameters(text: str) -> dict[str, str]:
    """Return the parameters of password hashes, as the Firebase console shows them. Raises UnreadableFile."""
    found = dict(re.findall(r"(\w+)\s*[:=]\s*\"?([^\s,\"}]*)", text))
    for name, pattern in PARAMETERS.items():
        if re.fullmatch(pattern, found.get(name, "")) is None:
            raise UnreadableFile(f"The hash parameters have no valid {name}. Copy them from the Firebase console.")
    return {name: found[name] for name in PARAMETERS}


def read_rows(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the users of an export. Raises UnreadableFile, also without the parameters of password hashes."""
    if not context.hash_parameters:
        raise UnreadableFile("Users of Firebase need --hash-parameters FILE, with what the Firebase console shows.")
    users = (entry for entry in read_entries(file, arrays={"users"}) if entry.name == "users")
    return rows_of(users, lambda entry: _user(entry, context))


def _user(entry: Entry, context: Context) -> Draft:
    user = entry.value
    draft = Draft(context, entry.line, source_id=text_of(user["localId"]), email=user.get("email"))
    draft.is_verified = user.get("emailVerified") is True
    draft.is_disabled = user.get("disabled") is True
    draft.claim("name", user.get("displayName"))
    draft.claim("phone_number", user.get("phoneNumber"))
    if wanted := user.get("passwordHash"):
        draft.password_hash = _hash(wanted, user.get("salt") or "", context)
    for provider in user.get("providerUserInfo") or []:
        if provider["providerId"] not in OWN_PROVIDERS:
            draft.identity(provider["providerId"], provider.get("rawId"), provider.get("email"))
    for name, value in json.loads(user.get("customAttributes") or "{}").items():
        draft.attribute(name, value)
    if user.get("mfaInfo"):
        draft.note("Second factors are skipped: the export has no keys of them.")
    return draft


def _hash(wanted: str, salt: str, context: Context) -> str:
    given = context.hash_parameters
    return firebase_hash(
        signer_key=given["base64_signer_key"],
        separator=given["base64_salt_separator"],
        rounds=int(given["rounds"]),
        mem_cost=int(given["mem_cost"]),
        salt=salt,
        wanted=wanted,
    )
