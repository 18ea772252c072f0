"""Auth0: the export of users (JSON lines), its import format (a JSON array), and the export of password hashes."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from provider.accounts.importing.files import Row
from provider.accounts.importing.json_stream import Entry, read_lines
from provider.accounts.importing.sources.draft import Context, Draft, rows_of, text_of

DATABASE = "auth0"
"""The provider of identities with a password."""
CLAIMS = ("name", "given_name", "family_name", "nickname")


def read_rows(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the users of an export. Raises UnreadableFile, also for the file of password hashes."""
    hashes = {} if context.password_hashes is None else _read_hashes(context.password_hashes)
    return rows_of(read_lines(file), lambda entry: _user(entry, context, hashes))


def _read_hashes(file: BinaryIO) -> dict[str, str]:
    """Return the password hashes by the IDs of the users, whose prefix is that of the database."""
    found = {}
    for entry in read_lines(file):
        user = entry.value if isinstance(entry.value, dict) else {}
        identifier = user.get("_id")
        oid = identifier.get("$oid") if isinstance(identifier, dict) else identifier
        hashed = text_of(user.get("passwordHash") or user.get("password_hash"))
        if hashed:
            found[f"{DATABASE}|{user.get('alt_id') or oid}"] = hashed
    return found


def _user(entry: Entry, context: Context, hashes: Mapping[str, str]) -> Draft:
    user = entry.value
    user_id = text_of(user.get("user_id") or user.get("Id"))
    source_id = user_id if "|" in user_id or not user_id else f"{DATABASE}|{user_id}"
    draft = Draft(context, entry.line, source_id=source_id, email=user.get("email") or user.get("Email"))
    draft.is_verified = (user.get("email_verified") or user.get("Email Verified")) is True
    draft.is_disabled = user.get("blocked") is True
    for name in CLAIMS:
        draft.claim(name, user.get(name))
    if "@" in text_of(user.get("name")):  # the address, where a user has no name
        draft.claims.pop("name", None)
    draft.claim("preferred_username", user.get("username"))
    draft.password_hash = _hash(user, hashes.get(source_id))
    for identity in user.get("identities") or []:
        provider, subject = str(identity["provider"]), str(identity["user_id"])
        if provider != DATABASE:
            profile = identity.get("profileData") or {}
            draft.identity(provider, subject, profile.get("email"))
    for factor in user.get("mfa_factors") or []:
        _read_factor(draft, factor)
    for member in ("app_metadata", "user_metadata"):  # what users can't change themselves comes first
        for name, value in (user.get(member) or {}).items():
            draft.attribute(f"{member}.{name}", value, name=name)
    return draft


def _hash(user: Mapping[str, Any], exported: str | None) -> str | None:
    """Return the password hash: of the export of hashes, or as the import format has it."""
    plain = exported or user.get("password_hash")
    if plain:
        return f"{{bcrypt}}{plain}"
    custom = user.get("custom_password_hash")
    if not custom:
        return None
    value = custom["hash"]["value"]
    if custom["algorithm"] == "bcrypt":
        return f"{{bcrypt}}{value}"
    if custom["algorithm"] in {"argon2", "pbkdf2", "scrypt"} and value.startswith("$"):
        return str(value)
    return f"unsupported {custom['algorithm']}"


def _read_factor(draft: Draft, factor: Mapping[str, Any]) -> None:
    if "totp" in factor:
        secret = str(factor["totp"]["secret"])
        key = base64.b32decode(secret + "=" * (-len(secret) % 8), casefold=True)
        draft.totp(key, name="", digits=6, period=30, algorithm="sha1")
    else:
        draft.note(f"A second factor is skipped: {', '.join(sorted(factor))}.")
