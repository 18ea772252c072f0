"""The work of `signet migrate`: move the schema, and create the secret key and signing keys that a new installation
needs.
"""

from dataclasses import dataclass
from typing import Any

from provider.config.settings import Settings
from provider.crypto.vault import create_key_file, open_vault
from provider.database.engine import open_database
from provider.database.migrations import HEAD, OnStep, current
from provider.database.migrations import migrate as move
from provider.installation import open_installation
from provider.jose.algorithms import KEY_PAIRS
from provider.oauth.setting_up import Made, create_keys_and_salt
from provider.work import unit_of_work


@dataclass(frozen=True)
class Done:
    """The result of a migration: sentences for people, values for machines."""

    sentences: list[str]
    values: dict[str, Any]


def set_up(
    settings: Settings, *, to: str = "head", sql: bool = False, on_step: OnStep = lambda _step: None
) -> Done | None:
    """Migrate the schema, and create what an empty installation lacks. Returns None if the SQL was only printed. Raises
    SettingsError.
    """
    database = open_database(settings)
    try:
        with database.connect() as connection:
            before = current(connection)
        if sql:
            move(settings, to, sql=True, at=before)
            return None
        sentences = []
        made_key_file = before is None and settings.embedded and not settings.secret_keys
        if made_key_file and create_key_file(settings.secret_key_file):
            sentences.append(f"Created the secret key file {settings.secret_key_file}. Back it up with the database.")
        open_vault(settings)  # a key that is missing or unreadable is better known before than after
        move(settings, to, at=before, on_step=on_step)
        with database.connect() as connection:
            after = current(connection)
    finally:
        database.close()
    moved = f"from {before or 'empty'} to {after or 'empty'}"
    sentences.append(f"Migrated the database {moved}." if before != after else f"The database is up to date ({after}).")
    made = _create_missing(settings) if after == HEAD else Made([], salt=False)
    if made.kids:
        which = "signing keys" if len(made.kids) == len(KEY_PAIRS) else "missing signing keys"
        sentences.append(f"Created {which}: {', '.join(made.kids)}.")
    if made.salt:
        sentences.append("Created the salt for pairwise subjects.")
    return Done(sentences, {"from": before, "to": after, "signing_keys": made.kids, "subject_salt": made.salt})


def _create_missing(settings: Settings) -> Made:
    installation = open_installation(settings)
    try:
        with unit_of_work(installation) as work:
            return create_keys_and_salt(work)
    finally:
        installation.database.close()
