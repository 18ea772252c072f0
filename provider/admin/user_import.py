"""Import of users from a file. Each row is a transaction of its own, so an import that was stopped can be run again:
users that exist already are skipped or updated, and none is created twice.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from provider.accounts import invitation, profile
from provider.accounts.email.email_addresses import Address
from provider.accounts.importing.files import Row
from provider.accounts.importing.rows import InvalidRow, UserRow, parse_row
from provider.accounts.passwords.passwords import require_own_hash
from provider.accounts.profile import values_of
from provider.accounts.registration import IdTaken, NotAnId, create_user, require_address
from provider.accounts.roles.names import require_role_names
from provider.accounts.roles.permissions import Permissions
from provider.accounts.store import email_addresses, users
from provider.accounts.store.users import User
from provider.admin import authority
from provider.database.base import is_id
from provider.refusals import Refusal
from provider.work import Installation, UnitOfWork, unit_of_work


class Outcome(StrEnum):
    """What an import does with a row."""

    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import. `permissions` are those of the operator."""

    permissions: Permissions
    update: bool = False
    """Whether to change users who exist already: their profile, and their roles if the row has some."""
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
    """Import the rows and call `seen` with the result of each. Returns how many had each outcome."""
    counts: Counter[str] = Counter()
    addresses: set[str] = set()
    for row in rows:
        result = _import(installation, row, options, addresses)
        counts[result.outcome] += 1
        seen(result)
    return {outcome: counts[outcome] for outcome in Outcome}


def _import(installation: Installation, row: Row, options: Options, addresses: set[str]) -> Result:
    email = str(row.values.get("email") or "").strip()[:254]
    if row.problem is not None:
        return Result(row.line, email, Outcome.FAILED, row.problem)
    try:
        wanted = parse_row(row.values)
        with unit_of_work(installation) as work:
            outcome = _carry_out(work, wanted, options, addresses)
    except (InvalidRow, Refusal) as problem:
        message = problem.message if isinstance(problem, Refusal) else problem
        return Result(row.line, email, Outcome.FAILED, str(message))
    return Result(row.line, email, outcome)


def _carry_out(work: UnitOfWork, row: UserRow, options: Options, addresses: set[str]) -> Outcome:
    address = require_address(work, row.email)
    if address.normal in addresses:
        raise InvalidRow("The address is in the file twice.")
    addresses.add(address.normal)
    require_role_names(row.roles)
    authority.require_roles(options.permissions, row.roles)
    existing = _find(work, address, verified=row.is_verified)
    if existing is None:
        _require_creatable(work, row)
        if not options.dry_run:
            _create(work, row, invite=options.invite)
        return Outcome.CREATED
    if not options.update:
        return Outcome.SKIPPED
    authority.require_user(work, options.permissions, existing.id)
    if not options.dry_run:
        _update(work, existing, row, options)
    return Outcome.UPDATED


def _find(work: UnitOfWork, address: Address, *, verified: bool) -> User | None:
    """Return the user whom the row is about. A sign-up that was never verified may be a stranger's: only a row that
    is not verified either finds it.
    """
    owner, claimant = email_addresses.find_owner_and_claimant(work.read, address.normal)
    found = owner if verified or owner is not None else claimant
    return None if found is None else found[0]


def _require_creatable(work: UnitOfWork, row: UserRow) -> None:
    """Find what would stop the row before anything is written: a dry run finds the same problems as the import."""
    if row.user_id is not None:
        if not is_id(row.user_id):
            raise NotAnId
        if users.find(work.read, row.user_id) is not None:
            raise IdTaken
    if row.password_hash is not None:
        require_own_hash(work.settings, row.password_hash)


def _create(work: UnitOfWork, row: UserRow, *, invite: bool) -> None:
    claims = profile.with_full_name(row.claims)
    if invite and row.is_verified and row.password_hash is None:
        invitation.invite(work, email=row.email, roles=row.roles, claims=claims, user_id=row.user_id)
        return
    create_user(
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
    before = values_of(user.claims)
    given = {name: value for name, value in values_of(row.claims).items() if value}  # an empty value changes nothing
    claims, _ = profile.parse_profile(before | given, before=before)
    profile.change_profile(work, user_id=user.id, claims=claims)
