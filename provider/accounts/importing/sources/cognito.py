"""Amazon Cognito: what `aws cognito-idp list-users` writes. Cognito gives no password hashes to anyone."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from provider.accounts.importing.files import Row
from provider.accounts.importing.json_stream import Entry, read_entries
from provider.accounts.importing.sources.draft import Context, Draft, rows_of, text_of
from provider.database.base import is_id

CLAIMS = (
    "name",
    "given_name",
    "middle_name",
    "family_name",
    "nickname",
    "preferred_username",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
)
KNOWN = {*CLAIMS, "sub", "email", "email_verified", "identities", "phone_number_verified", "updated_at"}


def read_rows(file: BinaryIO, context: Context) -> Iterator[Row]:
    """Yield the users of a list. Raises UnreadableFile."""
    users = (entry for entry in read_entries(file, arrays={"Users"}) if entry.name == "Users")
    return rows_of(users, lambda entry: _user(entry, context))


def _user(entry: Entry, context: Context) -> Draft:
    user = entry.value
    given = {str(one["Name"]): text_of(one.get("Value")) for one in user["Attributes"]}
    draft = Draft(context, entry.line, source_id=given.get("sub", ""), email=given.get("email"))
    draft.user_id = draft.source_id if is_id(draft.source_id) else None
    draft.is_verified = given.get("email_verified") == "true"
    draft.is_disabled = user.get("Enabled") is False
    for name in CLAIMS:
        draft.claim(name, given.get(name))
    for identity in json.loads(given.get("identities") or "[]"):
        draft.identity(str(identity["providerName"]), text_of(identity.get("userId")))
    for name in sorted(given.keys() - KNOWN):
        draft.attribute(name, given[name], name=name.removeprefix("custom:"))
    if user.get("MFAOptions") or user.get("UserMFASettingList"):
        draft.note("Second factors are skipped: Cognito does not export their keys.")
    return draft
