"""One-time links by digest and purpose, and the code that may be typed instead.

Used links are marked as claimed, not deleted, for the audit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, Connection, ForeignKey, Index, String, Table, delete, func, insert, select, update

from provider.database.base import metadata
from provider.database.rows import rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime


class Purpose(StrEnum):
    VERIFY = "verify"  # this person reads this mailbox
    RESET = "reset"  # choose a new password
    INVITE = "invite"  # choose the first one, of an account that an operator made
    CHANGE = "change"  # this is the person's new mailbox
    SIGN_IN = "sign-in"  # the code is a sign-in; its token is given to no one
    UNDO = "undo"  # take back a change of address, from the mailbox before


class LinkStatus(StrEnum):
    ACTIVE = "ACTIVE"
    CLAIMED = "CLAIMED"
    EXPIRED = "EXPIRED"  # replaced by a newer one, or ended with the account's standing


one_time_links = Table(
    "one_time_links",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("digest", Digest, nullable=False, unique=True),
    Column("purpose", String(16), nullable=False),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("address_id", Identifier, ForeignKey("email_addresses.id", ondelete="CASCADE"), nullable=False),
    Column("medium", String(16), nullable=False),
    Column("browser_digest", Digest),  # of the browser that may claim it without the password
    Column("code_digest", Digest),  # keyed: six digits are few
    Column("code_expires_at", UtcTime),
    Column("status", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("claimed_at", UtcTime),
    Column("password_at", UtcTime),  # when the account's password was typed in the browser of browser_digest
    Column("message_id", Identifier),  # the outbox row of its email, which is purged on its own
    Index("ix_one_time_links_user_id", "user_id"),
    Index("ix_one_time_links_address_id", "address_id"),
    Index("ix_one_time_links_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class Link:
    id: str
    digest: bytes
    purpose: str
    user_id: str
    address_id: str
    medium: str
    browser_digest: bytes | None
    code_digest: bytes | None
    code_expires_at: datetime | None
    status: str
    created_at: datetime
    expires_at: datetime
    claimed_at: datetime | None
    message_id: str | None = None
    password_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.status == LinkStatus.ACTIVE and self.expires_at > now


_LINK = rows_of(Link, one_time_links)


def add(db: Connection, link: Link) -> None:
    db.execute(insert(one_time_links), values_of(link))


def find(db: Connection, digest: bytes, *purposes: Purpose) -> Link | None:
    """Return the link with this digest and one of these purposes, whatever its status. Consumes nothing."""
    query = _LINK.select().where(one_time_links.c.digest == digest, one_time_links.c.purpose.in_(purposes))
    return _LINK.one(db, query)


def find_one(db: Connection, link_id: str) -> Link | None:
    """Return the link with this id, whatever its status."""
    return _LINK.one(db, _LINK.select().where(one_time_links.c.id == link_id))


def find_open_of_browser(
    db: Connection, user_id: str, purpose: Purpose, browser_digest: bytes, *, now: datetime
) -> Link | None:
    """Return the user's latest open link for this purpose that this browser asked for."""
    query = _LINK.select().where(
        one_time_links.c.user_id == user_id,
        one_time_links.c.purpose == purpose,
        one_time_links.c.browser_digest == browser_digest,
        one_time_links.c.status == LinkStatus.ACTIVE,
        one_time_links.c.expires_at > now,
    )
    return _LINK.one(db, query.order_by(one_time_links.c.created_at.desc(), one_time_links.c.id.desc()).limit(1))


def find_by_code(
    db: Connection, address_id: str, code_digests: list[bytes], purpose: Purpose, *, now: datetime
) -> Link | None:
    """Return the active link of this address with this code, if the code has not expired."""
    query = _LINK.select().where(
        one_time_links.c.address_id == address_id,
        one_time_links.c.purpose == purpose,
        one_time_links.c.status == LinkStatus.ACTIVE,
        one_time_links.c.code_digest.in_(code_digests),
        one_time_links.c.code_expires_at > now,
    )
    return _LINK.one(db, query.limit(1))


def next_created_at(db: Connection, user_id: str, *, now: datetime) -> datetime:
    """Return `now`, or just after the user's latest link if a node with a faster clock created it.

    So `created_at` gives the order of a user's links.
    """
    latest = db.scalar(select(func.max(one_time_links.c.created_at)).where(one_time_links.c.user_id == user_id))
    return now if latest is None else max(now, latest + timedelta(microseconds=1))


def set_message(db: Connection, link_id: str, message_id: str) -> None:
    db.execute(update(one_time_links).where(one_time_links.c.id == link_id).values(message_id=message_id))


def find_message(db: Connection, user_id: str, purpose: Purpose) -> str | None:
    """Return the id of the email with the user's latest link for this purpose, or None if it is not known."""
    latest = select(one_time_links.c.message_id).where(
        one_time_links.c.user_id == user_id, one_time_links.c.purpose == purpose
    )
    return db.scalar(latest.order_by(one_time_links.c.created_at.desc(), one_time_links.c.id.desc()).limit(1))


def find_latest(db: Connection, user_id: str, purpose: Purpose) -> Link | None:
    """Return the user's latest link for this purpose, whatever its status."""
    query = _LINK.select().where(one_time_links.c.user_id == user_id, one_time_links.c.purpose == purpose)
    return _LINK.one(db, query.order_by(one_time_links.c.created_at.desc(), one_time_links.c.id.desc()).limit(1))


def spend(db: Connection, link_id: str, *, now: datetime) -> bool:
    """Claim the link. Returns False if it was claimed or replaced before, or has expired."""
    active = (
        one_time_links.c.id == link_id,
        one_time_links.c.status == LinkStatus.ACTIVE,
        one_time_links.c.expires_at > now,
    )
    claimed = update(one_time_links).where(*active).values(status=LinkStatus.CLAIMED, claimed_at=now)
    return db.execute(claimed).rowcount == 1


def expire_all(db: Connection, user_id: str, purpose: Purpose | None = None) -> None:
    """Expire the user's active links for one purpose, or for all purposes except UNDO.

    An attacker who took the account over must not be able to close its owner's way back by a password reset.
    """
    active = [one_time_links.c.user_id == user_id, one_time_links.c.status == LinkStatus.ACTIVE]
    active.append(one_time_links.c.purpose != Purpose.UNDO if purpose is None else one_time_links.c.purpose == purpose)
    db.execute(update(one_time_links).where(*active).values(status=LinkStatus.EXPIRED))


def expire_after(db: Connection, user_id: str, purpose: Purpose, *, since: datetime) -> None:
    """Expire the user's active links for one purpose that were created at or after `since`."""
    later = (
        one_time_links.c.user_id == user_id,
        one_time_links.c.status == LinkStatus.ACTIVE,
        one_time_links.c.purpose == purpose,
        one_time_links.c.created_at >= since,
    )
    db.execute(update(one_time_links).where(*later).values(status=LinkStatus.EXPIRED))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` links that expired before `before`; return how many."""
    old = (
        select(one_time_links.c.id)
        .where(one_time_links.c.expires_at < before)
        .order_by(one_time_links.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(one_time_links).where(one_time_links.c.id.in_(old))).rowcount
