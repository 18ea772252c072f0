"""Rows of a file of users: what an import does with each. Users that exist already are skipped or updated, so an
import that was stopped can be run again, and none is created twice.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from provider.accounts import invitation, profile
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Place
from provider.accounts.email.email_addresses import Address, parse_address
from provider.accounts.email.operator_emails import require_choice
from provider.accounts.groups import members
from provider.accounts.importing.files import Row
from provider.accounts.importing.rows import InvalidRow, UserRow, parse_row
from provider.accounts.passwords.passwords import require_own_hash
from provider.accounts.profile import values_of
from provider.accounts.registration import IdTaken, NotAnId, create_user, require_address
from provider.accounts.roles.names import require_role_names
from provider.accounts.roles.permissions import Permissions
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import User
from provider.admin import authority, group_authority
from provider.admin.authority import editor_of
from provider.database.base import is_id
from provider.languages.free_text import repair_line
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import Installation, UnitOfWork, unit_of_work


class Outcome(StrEnum):
    """What an import does with a row."""

    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"


REPEATED = {
    "email": Text("The email address is in the file twice. It is also on line %(line)s.", line=1),
    "id": Text("The ID is in the file twice. It is also on line %(line)s.", line=1),
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import. `permissions` are those of the operator."""

    permissions: Permissions
    update: bool = False
    """Whether to change users who exist already: their profile, and their roles and groups if the row has some."""
    invite: bool = False
    """Whether to email an invitation to new users without a password."""
    dry_run: bool = False


@dataclass(frozen=True)
class Result:
    """What became of a row, or of a dry run would become. `problem` says why it failed."""

    line: int
    email: str
    outcome: Outcome
    problem: str = ""


def import_rows(
    installation: Installation, rows: Iterable[Row], options: Options, seen: Callable[[Result], None]
) -> dict[str, int]:
    """Import the rows, each in a transaction of its own, and call `seen` with the result of each. Returns how many had
    each outcome.
    """
    counts: Counter[str] = Counter()
    for row in without_repeats(rows):
        with unit_of_work(installation) as work:
            if not options.dry_run:
                lock(work, [row])
            result = import_row(work, row, options)
        counts[result.outcome] += 1
        seen(result)
    return {outcome: counts[outcome] for outcome in Outcome}


def without_repeats(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows. One whose email address, in any case, or ID an earlier row has gets a problem that says so."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        problem = row.problem
        for name, message in REPEATED.items():
            key = (name, unicodedata.normalize("NFC", str(row.values.get(name) or "").strip().casefold()))
            if problem is None and key[1] and seen.setdefault(key, row.line) != row.line:
                problem = Text(message.message, line=seen[key])
        yield row if problem is row.problem else replace(row, problem=problem)


def import_row(work: UnitOfWork, row: Row, options: Options) -> Result:
    """Import one row, whose address is locked (`lock`), or find out what an import would do with it."""
    email = email_of(row)
    if row.problem is not None:
        return Result(row.line, email, Outcome.FAILED, row.problem)
    try:
        outcome = _carry_out(work, parse_row(row.values), options)
    except InvalidRow as invalid:
        return Result(row.line, email, Outcome.FAILED, invalid.problem)
    except Refusal as refusal:  # raised before anything of the row was written
        return Result(row.line, email, Outcome.FAILED, refusal.message)
    return Result(row.line, email, outcome)


def email_of(row: Row) -> str:
    """Return the email address of a row as reports show it: it may be anything, so what can't be shown is dropped."""
    return repair_line(str(row.values.get("email") or ""), most=254)


def lock(work: UnitOfWork, rows: Sequence[Row]) -> None:
    """Wait for other imports of the same addresses, and keep them waiting until the transaction ends.

    The addresses are locked in one order, so two imports never wait for each other.
    """
    found = (parse_address(str(row.values.get("email") or "")) for row in rows if row.problem is None)
    for normal in sorted({address.normal for address in found if address is not None}):
        email_addresses.lock(work.db, normal)


def _carry_out(work: UnitOfWork, row: UserRow, options: Options) -> Outcome:
    address = require_address(work, row.email)
    require_role_names(row.roles)
    authority.require_roles(options.permissions, row.roles)
    group_authority.require_joinable(work, options.permissions, row.groups)
    existing = _find(work, address, verified=row.is_verified)
    if existing is None:
        _require_creatable(work, row, options)
        attributes = values.check_new(
            work, values.from_texts(work, row.attributes), editor=editor_of(work), place=Place.ADMIN
        )
        if not options.dry_run:
            user_id = _create(work, row, options)
            values.add_values(work, user_id=user_id, values=attributes)
        return Outcome.CREATED
    if not options.update:
        return Outcome.SKIPPED
    authority.require_user(work, options.permissions, existing.id)
    attributes = values.from_texts(work, row.attributes)
    values.check_changes(work, user_id=existing.id, given=attributes, editor=editor_of(work), place=Place.ADMIN)
    if not options.dry_run:
        _update(work, existing, row, options)
        values.change_values(work, user_id=existing.id, given=attributes, editor=editor_of(work), place=Place.ADMIN)
    return Outcome.UPDATED


def _find(work: UnitOfWork, address: Address, *, verified: bool) -> User | None:
    """Return the user whom the row is about. A sign-up that was never verified may be a stranger's: only a row that
    is not verified either finds it.
    """
    owner, claimant = email_addresses.find_owner_and_claimant(work.read, address.normal)
    found = owner if verified or owner is not None else claimant
    return None if found is None else found[0]


def _require_creatable(work: UnitOfWork, row: UserRow, options: Options) -> None:
    """Find what would stop the row before anything is written: a dry run finds the same problems as the import."""
    if row.user_id is not None:
        if not is_id(row.user_id):
            raise NotAnId
        if users.find(work.read, row.user_id) is not None:
            raise IdTaken
    if row.password_hash is not None:
        require_own_hash(work.settings, row.password_hash)
    if _is_invited(row, options):
        require_choice(work)


def _is_invited(row: UserRow, options: Options) -> bool:
    return options.invite and row.is_verified and row.password_hash is None


def _create(work: UnitOfWork, row: UserRow, options: Options) -> str:
    claims = profile.with_full_name(row.claims)
    if _is_invited(row, options):
        user_id = invitation.invite(work, email=row.email, roles=row.roles, claims=claims, user_id=row.user_id)
    else:
        user_id = _create_without_invitation(work, row, claims)
    if row.groups:
        members.set_groups(work, user_id=user_id, names=row.groups)
    return user_id


def _create_without_invitation(work: UnitOfWork, row: UserRow, claims: Mapping[str, Any]) -> str:
    return create_user(
        work,
        email=row.email,
        password=None,
        password_hash=row.password_hash,
        verified=row.is_verified,
        roles=row.roles,
        claims=claims,
        user_id=row.user_id,
    )


def _update(work: UnitOfWork, user: User, row: UserRow, options: Options) -> None:
    # The roles come first: if they are refused, nothing was written.
    if row.roles and set(row.roles) != set(user.roles):
        authority.set_roles(work, options.permissions, user_id=user.id, roles=row.roles)
    if row.groups and set(row.groups) != set(user.groups):
        group_authority.set_groups(work, options.permissions, user_id=user.id, names=row.groups)
    before = values_of(user.claims)
    given = {name: value for name, value in values_of(row.claims).items() if value}  # an empty value changes nothing
    claims, _ = profile.parse_profile(before | given, before=before)
    profile.change_profile(work, user_id=user.id, claims=claims)
