"""What users of another system bring along besides the columns of a file: second factors, identities and more."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from provider.accounts import linked_identities
from provider.accounts.factors import totp as totp_codes
from provider.accounts.factors.passkeys import MOST as MOST_PASSKEYS
from provider.accounts.factors.store import passkeys, totp, two_factor_choices
from provider.accounts.factors.store.passkeys import LONGEST_NAME, Passkey
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import STEP_SECONDS
from provider.accounts.groups import groups
from provider.accounts.groups.groups import GroupExists, GroupSettings
from provider.accounts.groups.many_members import batches
from provider.accounts.groups.names import is_group_name
from provider.accounts.roles.permissions import permissions_of
from provider.accounts.store import groups as store
from provider.accounts.store.linked_identities import find_linked
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.free_text import repair_line
from provider.work import UnitOfWork


@dataclass(frozen=True)
class MovedTotp:
    """An authenticator app: its key in base32."""

    key: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class MovedPasskey:
    """A passkey or a security key. `is_second_factor`: it was asked for after the password."""

    credential_id: str
    public_key: bytes
    sign_count: int
    aaguid: str = ""
    transports: Sequence[str] = ()
    name: str = ""
    is_second_factor: bool = False


@dataclass(frozen=True)
class MovedIdentity:
    """An identity at an upstream provider."""

    issuer: str
    subject: str
    email: str | None = None


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The data that a user brings along. `notes` say, in English, what of the user can't be moved."""

    source: str = ""
    source_id: str = ""
    suspended_because: str | None = None
    totp: Sequence[MovedTotp] = ()
    passkeys: Sequence[MovedPasskey] = ()
    identities: Sequence[MovedIdentity] = ()
    groups: Sequence[str] = ()
    roles_of_groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The roles that groups of the source give, by name: those that are created get them."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """The values of declared attributes as they are in the export, by the names of the declarations."""
    notes: Sequence[str] = field(default=())


NOTHING = Moved()


@dataclass(frozen=True)
class Taken:
    """The identities and passkeys, among those that are looked for, which other users have."""

    identities: Mapping[tuple[str, str], str]
    passkeys: frozenset[str]


def find_taken(work: UnitOfWork, moved: Sequence[Moved]) -> Taken:
    """Look up which identities and passkeys of these users belong to others."""
    identities = [(one.issuer, one.subject) for each in moved for one in each.identities]
    credential_ids = [one.credential_id for each in moved for one in each.passkeys]
    return Taken(
        find_linked(work.read, identities) if identities else {},
        passkeys.find_taken(work.read, credential_ids) if credential_ids else frozenset(),
    )


def unjoinable_groups(work: UnitOfWork, names: Iterable[str]) -> dict[str, str]:
    """Return, by name, the groups that users who bring them along don't join, each with a note that says why."""
    named = set(names)
    notes = {
        name: f"Group {name} is skipped: its name has a space or a character that is not ASCII."
        for name in named
        if not is_group_name(name)
    }
    for some in batches(named - notes.keys()):
        for name, roles in store.find_roles_by_group(work.read, some).items():
            if permissions_of(roles):
                notes[name] = f"Group {name} is skipped: it gives permissions in Signet."
    return notes


def create_missing_groups(work: UnitOfWork, roles_of: Mapping[str, Sequence[str]]) -> None:
    """Create those of the groups that there are none of yet, with their roles. `roles_of` has each by name."""
    for some in batches(roles_of):
        there = store.find_existing(work.db, some)
        for name in some:
            if name not in there:
                with suppress(GroupExists):  # created by another transaction meanwhile
                    groups.create_group(work, name, GroupSettings(roles=tuple(roles_of[name])))


def add_moved(work: UnitOfWork, user_id: str, moved: Moved) -> None:
    """Add the second factors and the identities that a new user brings along. No email is sent."""
    _add_totp(work, user_id, moved.totp)
    _add_passkeys(work, user_id, moved.passkeys)
    for identity in moved.identities:
        linked_identities.attach(
            work, user_id=user_id, issuer=identity.issuer, subject=identity.subject, email=identity.email
        )


def _add_totp(work: UnitOfWork, user_id: str, apps: Sequence[MovedTotp]) -> None:
    # Codes up to now may have been used at the other system, and each works once.
    step = int(work.now.timestamp()) // STEP_SECONDS
    for app in apps:
        seed = totp_codes.seal_seed(work, user_id, app.key)
        name = repair_line(app.name, most=totp.LONGEST_NAME)
        totp.add(work.db, TotpCredential(user_id, seed, work.now, step, name=name))
    if apps:
        record(work, Event.TWO_FACTOR_ENABLED, user_id=user_id)


def _add_passkeys(work: UnitOfWork, user_id: str, held: Sequence[MovedPasskey]) -> None:
    for one in held[:MOST_PASSKEYS]:
        passkey = Passkey(
            id=new_id(),
            user_id=user_id,
            credential_id=one.credential_id,
            public_key=one.public_key,
            sign_count=one.sign_count,
            aaguid=one.aaguid,
            transports=" ".join(one.transports),
            is_synced=False,
            is_backed_up=False,
            name=repair_line(one.name, most=LONGEST_NAME) or "Passkey",
            created_at=work.now,
            last_used_at=None,
            is_eligibility_unknown=True,
        )
        passkeys.add(work.db, passkey)
        record(work, Event.PASSKEY_ADDED, user_id=user_id, passkey=passkey.id, name=passkey.name)
    if any(one.is_second_factor for one in held) and two_factor_choices.add(work.db, user_id, now=work.now):
        record(work, Event.TWO_FACTOR_ENABLED, user_id=user_id)
