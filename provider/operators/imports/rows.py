"""Rows of a file of users: what an import does with each. Users that exist already are skipped or updated, so an
import that was stopped can be run again, and none is created twice.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from provider.accounts import invitation, profile
from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Place
from provider.accounts.email.new_addresses import require_address
from provider.accounts.groups.members import MOST_GROUPS, TooManyGroups
from provider.accounts.importing.files import Row
from provider.accounts.importing.moving import unjoinable_groups
from provider.accounts.importing.new_users import NewUser, create_users
from provider.accounts.importing.rows import InvalidRow, parse_row
from provider.accounts.profile import values_of
from provider.accounts.registration import IdTaken
from provider.accounts.roles.names import require_role_names
from provider.accounts.roles.permissions import Permissions
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import User
from provider.accounts.users import NoSuchUser
from provider.database.base import new_id
from provider.languages.free_text import repair_line
from provider.languages.text import Text
from provider.operators import authority, group_authority
from provider.operators.authority import editor_of
from provider.operators.imports.existing import Existing, Wanted, is_invited
from provider.refusals import Refusal
from provider.savepoints import all_or_nothing
from provider.work import Installation, UnitOfWork, unit_of_work


class Outcome(StrEnum):
    """The outcome of a row of an import."""

    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"


AT_ONCE = 200
"""How many rows the command line imports in one transaction."""
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
    """The result of a row, as it is or would be. `problem` says why it failed, `notes` what was left out."""

    line: int
    email: str
    outcome: Outcome
    problem: str = ""
    user_id: str = field(default="", compare=False)
    source_id: str = ""
    notes: Sequence[str] = ()


def import_rows(
    installation: Installation, rows: Iterable[Row], options: Options, seen: Callable[[Result], None]
) -> dict[str, int]:
    """Import the rows, AT_ONCE in each transaction, and call `seen` with the result of each. Returns how many had each
    outcome. If it is stopped, each user is there as a whole or not at all.
    """
    counts: Counter[str] = Counter()
    left = without_repeats(rows)
    while part := list(islice(left, AT_ONCE)):
        with unit_of_work(installation) as work:
            results = import_part(work, part, options)
        for result in results:
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


def import_part(work: UnitOfWork, rows: Sequence[Row], options: Options) -> list[Result]:
    """Import a few rows, or find out what an import would do with each. Other imports of the same addresses wait until
    the transaction ends.
    """
    results: list[Result | None] = [None] * len(rows)
    wanted: dict[int, Wanted] = {}
    for place, row in enumerate(rows):
        try:
            wanted[place] = _read(work, row, options)
        except (InvalidRow, Refusal) as problem:
            results[place] = _failed(row, problem)
    if not options.dry_run:
        email_addresses.lock_all(work.db, {one.address.normal for one in wanted.values()})
    existing = Existing.find(work, list(wanted.values()))
    new: dict[int, Wanted] = {}
    for place, read in wanted.items():
        try:
            found = existing.require_free(read, invite=options.invite)
            one = existing.with_attributes(read, of=found)
        except (InvalidRow, Refusal) as problem:
            results[place] = _failed(read.source, problem)
            continue
        if found is None:
            new[place] = one
            existing.reserve(one)
        else:
            results[place] = _keep_or_update(work, found, one, options)
    created = _create_all(work, list(new.values()), options)
    for (place, _), result in zip(new.items(), created, strict=True):
        results[place] = result
    return [result for result in results if result is not None]


def email_of(row: Row) -> str:
    """Return the email address of a row as reports show it: it may be anything, so what can't be shown is dropped."""
    return repair_line(str(row.values.get("email") or ""), most=254)


def _read(work: UnitOfWork, row: Row, options: Options) -> Wanted:
    """Return the user that a row describes, as far as the row alone says whether it can be. Raises InvalidRow, or
    another Refusal.
    """
    if row.problem is not None:
        raise InvalidRow(row.problem)
    user = parse_row(row.values)
    address = require_address(work, user.email)
    require_role_names(user.roles)
    authority.require_roles(options.permissions, user.roles)
    group_authority.require_joinable(work, options.permissions, user.groups)
    if len({*user.groups, *row.moved.groups}) > MOST_GROUPS:
        raise TooManyGroups
    return Wanted(row, user, address)


def _keep_or_update(work: UnitOfWork, found: User, one: Wanted, options: Options) -> Result:
    if not options.update:
        return _result(one, Outcome.SKIPPED, user_id=found.id)
    try:
        authority.require_user(work, options.permissions, found.id)
        if not options.dry_run:
            with all_or_nothing(work):
                _update(work, found, one, options)
    except Refusal as refusal:
        return _failed(one.source, refusal)
    return _result(one, Outcome.UPDATED, user_id=found.id)


def _create_all(work: UnitOfWork, wanted: Sequence[Wanted], options: Options) -> list[Result]:
    new = [
        NewUser(
            address=one.address,
            is_verified=one.user.is_verified,
            roles=one.user.roles,
            claims=profile.with_full_name(one.user.claims),
            user_id=one.user.user_id or new_id(),
            password_hash=one.user.password_hash,
            groups=one.user.groups,
            attributes=one.attributes,
            moved=one.source.moved,
        )
        for one in wanted
    ]
    if options.dry_run:
        unjoinable = unjoinable_groups(work, (name for one in new for name in one.moved.groups))
        return [
            _result(
                one,
                Outcome.CREATED,
                user_id=one.user.user_id or "",
                notes=[unjoinable[name] for name in each.moved.groups if name in unjoinable],
            )
            for one, each in zip(wanted, new, strict=True)
        ]
    notes = create_users(work, new)
    results = []
    for one, each in zip(wanted, new, strict=True):
        if each.user_id not in notes:
            results.append(_failed(one.source, IdTaken()))
            continue
        if is_invited(one.user, invite=options.invite):
            invitation.send(work, user_id=each.user_id)
        results.append(_result(one, Outcome.CREATED, user_id=each.user_id, notes=notes[each.user_id]))
    return results


def _update(work: UnitOfWork, user: User, one: Wanted, options: Options) -> None:
    row = one.user
    if row.roles and set(row.roles) != set(user.roles):
        authority.set_roles(work, options.permissions, user_id=user.id, roles=row.roles)
    if row.groups and set(row.groups) != set(user.groups):
        group_authority.set_groups(work, options.permissions, user_id=user.id, names=row.groups)
    held = users.find(work.db, user.id) if users.lock(work.db, user.id) else None
    if held is None:
        raise NoSuchUser
    authority.require_user(work, options.permissions, user.id)
    before = values_of(held.claims)  # the user may have changed the profile since the row was looked at
    given = {name: value for name, value in values_of(row.claims).items() if value}  # an empty value changes nothing
    claims, _ = profile.parse_profile(before | given, before=before)
    profile.change_profile(work, user_id=user.id, claims=claims)
    values.change_values(work, user_id=user.id, given=one.attributes, editor=editor_of(work), place=Place.ADMIN)


def _result(one: Wanted, outcome: Outcome, *, user_id: str = "", notes: Sequence[str] = ()) -> Result:
    moved = one.source.moved
    said = {Outcome.CREATED: [*moved.notes, *one.notes, *notes], Outcome.UPDATED: one.notes}.get(outcome, ())
    return Result(one.source.line, one.address.text, outcome, "", user_id, moved.source_id, said)


def _failed(row: Row, problem: InvalidRow | Refusal) -> Result:
    said = problem.problem if isinstance(problem, InvalidRow) else problem.message
    return Result(row.line, email_of(row), Outcome.FAILED, said, "", row.moved.source_id)
