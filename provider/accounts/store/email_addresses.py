"""The email addresses of users: one owner per address, and any number of users who claim it without proof."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    bindparam,
    case,
    exists,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from provider.accounts.store.links import LinkStatus, Purpose, one_time_links
from provider.accounts.store.passwords import passwords
from provider.accounts.store.users import IN_USE, NOT_IN_USE, USER, Status, User, users
from provider.database.base import metadata
from provider.database.dialect import TextExpression, queue_for, queue_for_all
from provider.database.prepared import Prepared
from provider.database.rows import joined, optional, rows_of, values_of
from provider.database.types import Identifier, UtcTime

email_addresses = Table(
    "email_addresses",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("address", String(254), nullable=False),  # as typed: shown, and written to
    Column("normal", String(254), nullable=False),  # as compared
    Column("created_at", UtcTime, nullable=False),
    Column("verified_at", UtcTime),
    Index("ix_email_addresses_user_id", "user_id"),
    Index("ix_email_addresses_normal", "normal"),
)
_DOMAIN = TextExpression(postgresql="split_part(normal, '@', 2)", sqlite="substr(normal, instr(normal, '@') + 1)")
"""The domain of an address."""


def declare_indexes() -> None:
    """Add the indexes with options of a dialect to the table, for migrations. They load it, and starts would wait."""
    verified = email_addresses.c.verified_at.is_not(None)
    Index(
        "uq_email_addresses_normal_verified",
        email_addresses.c.normal,
        unique=True,
        sqlite_where=verified,
        postgresql_where=verified,
    )
    Index("ix_email_addresses_domain", _DOMAIN.postgresql, email_addresses.c.normal, email_addresses.c.user_id).ddl_if(
        dialect="postgresql"
    )


@dataclass(frozen=True)
class EmailAddress:
    id: str
    user_id: str
    address: str
    normal: str
    created_at: datetime
    verified_at: datetime | None


_ADDRESS = rows_of(EmailAddress, email_addresses)
_ADD = Prepared(insert(email_addresses))
_HOLDER = joined(USER, _ADDRESS)
_WITH_ADDRESS = joined(USER, optional(_ADDRESS))
_OF_USER = _ADDRESS.prepare(
    _ADDRESS.select()
    .where(email_addresses.c.user_id == bindparam("user_id"))
    .order_by(email_addresses.c.verified_at.is_(None), email_addresses.c.created_at.desc())
    .limit(1)
)
_CONFIRMED = _ADDRESS.prepare(
    _ADDRESS.select()
    .join(users, users.c.id == email_addresses.c.user_id)
    .where(or_(email_addresses.c.verified_at.is_not(None), users.c.status != Status.INACTIVE))
    .where(email_addresses.c.normal == bindparam("normal"))
    .limit(1)
)


def add(db: Connection, *addresses: EmailAddress) -> None:
    if len(addresses) == 1:
        _ADD.change(db, values_of(addresses[0]))
    else:
        db.execute(insert(email_addresses), list(map(values_of, addresses)))


Holder = tuple[User, EmailAddress]


def find_owner(db: Connection, normal: str) -> Holder | None:
    """Return the owner of an address, or the user who claimed it last."""
    owner, claimed = find_owner_and_claimant(db, normal)
    return owner or claimed


def find_owner_and_claimant(db: Connection, normal: str) -> tuple[Holder | None, Holder | None]:
    """Return the owner of an address, and the last user to claim it without proof; either may be None.

    The owner is the user who verified the address, or else one whose account is active without that: it signed up while
    addresses were not verified. It is one query in every case.
    """
    return _owner_and_claimant(_FIRST_HOLDERS.all(db, {"normal": normal}))


def find_owners_and_claimants(
    db: Connection, normals: Collection[str]
) -> dict[str, tuple[Holder | None, Holder | None]]:
    """Return the same for many addresses, each of which has few holders; only those that have any."""
    holders: dict[str, list[Holder]] = {}
    for holder in _HOLDER.all(db, _holders(email_addresses.c.normal.in_(normals))):
        holders.setdefault(holder[1].normal, []).append(holder)
    return {normal: _owner_and_claimant(found) for normal, found in holders.items()}


def _holders(which: ColumnElement[bool]) -> Select[Any]:
    """Select users with their addresses, for each address the owner first."""
    rank = case((email_addresses.c.verified_at.is_not(None), 0), (NOT_IN_USE, 2), else_=1)
    return (
        _HOLDER.select()
        .join(email_addresses, email_addresses.c.user_id == users.c.id)
        .where(which)
        .order_by(rank, email_addresses.c.created_at.desc(), email_addresses.c.id.desc())
    )


_FIRST_HOLDERS = _HOLDER.prepare(_holders(email_addresses.c.normal == bindparam("normal")).limit(2))


def _owner_and_claimant(found: Sequence[Holder]) -> tuple[Holder | None, Holder | None]:
    owner = next((holder for holder in found if _owns(*holder)), None)
    return owner, next((holder for holder in found if holder is not owner), None)


def find_claims(db: Connection, normal: str, *, limit: int = 100) -> list[Holder]:
    """Return up to `limit` users with this address whether or not they own it, the latest claim first."""
    query = (
        _HOLDER.select()
        .join(email_addresses, email_addresses.c.user_id == users.c.id)
        .where(email_addresses.c.normal == normal)
        .order_by(email_addresses.c.created_at.desc(), email_addresses.c.id.desc())
    )
    return _HOLDER.all(db, query.limit(limit))


def find_claim_of_browser(
    db: Connection, normal: str, browser_digest: bytes, *, now: datetime, hashed: str | None = None
) -> EmailAddress | None:
    """Return the unconfirmed address of a sign-up from this browser whose link is still valid.

    With `hashed`, only one with this hash of its password. Until the transaction ends, no other transaction finds none:
    of a form sent twice, the second sees the first.
    """
    queue_for(db, normal)
    link = one_time_links.c
    waiting = (
        email_addresses.c.normal == normal,
        email_addresses.c.verified_at.is_(None),
        users.c.id == email_addresses.c.user_id,
        users.c.status == Status.INACTIVE,
        link.address_id == email_addresses.c.id,
        link.purpose == Purpose.VERIFY,
        link.status == LinkStatus.ACTIVE,
        link.browser_digest == browser_digest,
        link.expires_at > now,
    )
    query = _ADDRESS.select().where(*waiting)
    if hashed is not None:
        query = query.where(passwords.c.user_id == users.c.id, passwords.c.hash == hashed)
    return _ADDRESS.one(db, query.order_by(link.created_at.desc()).limit(1))


def _owns(user: User, address: EmailAddress) -> bool:
    return address.verified_at is not None or user.status in IN_USE


def find_of_user(db: Connection, user_id: str) -> EmailAddress | None:
    """Return the user's address, preferring the verified one."""
    return _OF_USER.one(db, {"user_id": user_id})


def find_holders(db: Connection, user_ids: Collection[str]) -> dict[str, tuple[User, EmailAddress | None]]:
    """Return these users by id, each with the address shown for them, preferring the verified one."""
    query = (
        _WITH_ADDRESS.select()
        .outerjoin(email_addresses, email_addresses.c.user_id == users.c.id)
        .where(users.c.id.in_(user_ids))
        .order_by(email_addresses.c.verified_at.is_not(None), email_addresses.c.created_at)  # the last one counts
    )
    return {user.id: (user, address) for user, address in _WITH_ADDRESS.all(db, query)}


def find_page_of_domain(
    db: Connection, domain: str, *, after: tuple[str, str] | None, limit: int
) -> list[tuple[str, str]]:
    """Return (address, user_id) pairs of a domain, in order. `after` is the last pair of the previous page."""
    normal, user_id = email_addresses.c.normal, email_addresses.c.user_id
    query = select(normal, user_id).where(_DOMAIN.on(db) == domain)
    if after is not None:
        query = query.where(normal >= after[0], or_(normal > after[0], user_id > after[1]))
    return [(address, whose) for address, whose in db.execute(query.order_by(normal, user_id).limit(limit))]


def find_all(db: Connection, user_id: str) -> list[EmailAddress]:
    query = _ADDRESS.select().where(email_addresses.c.user_id == user_id).order_by(email_addresses.c.created_at)
    return _ADDRESS.all(db, query)


def find(db: Connection, address_id: str) -> EmailAddress | None:
    return _ADDRESS.one(db, _ADDRESS.select().where(email_addresses.c.id == address_id))


def find_unconfirmed(db: Connection, *, before: datetime, now: datetime, limit: int) -> list[str]:
    """Return and lock up to `limit` ids of users who have been INACTIVE and unchanged since `before`.

    They have no verified address, and no link that could still verify one.
    """
    own, link = email_addresses.c.user_id == users.c.id, one_time_links.c
    may_verify = (
        link.user_id == users.c.id,
        link.purpose == Purpose.VERIFY,
        link.status == LinkStatus.ACTIVE,
        link.expires_at > now,
    )
    unconfirmed = (
        users.c.status == literal_column(f"'{Status.INACTIVE}'"),  # written out: the index holds these alone
        users.c.created_at < before,
        users.c.updated_at < before,
        ~exists().where(own, email_addresses.c.verified_at.is_not(None)),
        ~exists().where(*may_verify),
    )
    query = select(users.c.id).where(*unconfirmed).order_by(users.c.created_at).limit(limit)
    # Whoever is about to confirm or to ask for a letter holds the row: that one stays for now.
    return list(db.scalars(query.with_for_update(skip_locked=True)))


def verify(db: Connection, address_id: str, *, now: datetime) -> bool:
    """Mark the address as verified. Returns False if it is verified already or now belongs to another user."""
    normal = db.scalar(select(email_addresses.c.normal).where(email_addresses.c.id == address_id))
    if normal is None:
        return False
    queue_for(db, normal)
    claims = select(email_addresses.c.verified_at).where(email_addresses.c.normal == normal)
    # Every claim to the address is locked, in one order: of two confirmations at once the second one sees the first.
    if any(
        verified_at is not None for verified_at in db.scalars(claims.order_by(email_addresses.c.id).with_for_update())
    ):
        return False
    unverified = (email_addresses.c.id == address_id, email_addresses.c.verified_at.is_(None))
    return db.execute(update(email_addresses).where(*unverified).values(verified_at=now)).rowcount == 1


def correct(db: Connection, address_id: str, *, address: str, normal: str) -> bool:
    """Replace this unverified address with another, which is not verified either. Returns False if it is verified."""
    unverified = (email_addresses.c.id == address_id, email_addresses.c.verified_at.is_(None))
    return db.execute(update(email_addresses).where(*unverified).values(address=address, normal=normal)).rowcount == 1


def lock_all(db: Connection, normals: Collection[str]) -> None:
    """Wait until no other transaction can give the addresses to accounts, and keep it so until this one ends.

    They are locked in one order, so that two transactions never wait for each other.
    """
    queue_for_all(db, sorted(normals))


def is_free(db: Connection, normal: str) -> bool:
    """Return whether no account but unconfirmed ones has this address.

    Until the transaction ends, no other transaction can verify it.
    """
    queue_for(db, normal)
    return _CONFIRMED.one(db, {"normal": normal}) is None


def change(db: Connection, address_id: str, *, address: str, normal: str, now: datetime) -> bool:
    """Replace this address with another, verified one. Returns False if that belongs to another user."""
    queue_for(db, normal)
    others = email_addresses.alias("others")
    taken = exists().where(others.c.normal == normal, others.c.verified_at.is_not(None), others.c.id != address_id)
    free = update(email_addresses).where(email_addresses.c.id == address_id, ~taken)
    return db.execute(free.values(address=address, normal=normal, verified_at=now)).rowcount == 1
