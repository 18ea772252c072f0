"""Search keys of users for operators: each address, and each name from each of its words on."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    PrimaryKeyConstraint,
    Table,
    delete,
    insert,
    or_,
    select,
)

from provider.database.base import metadata
from provider.database.types import BEYOND, Identifier, SearchKey, search_key

search_keys = Table(
    "search_keys",
    metadata,
    Column("key", SearchKey, nullable=False),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "user_id"),
)


def keys_of(addresses: Iterable[str], claims: Mapping[str, Any]) -> set[str]:
    """Return the search keys: each address whole, and each name from each of its first eight words on."""
    keys = {search_key(address) for address in addresses}
    for claim in ("name", "preferred_username", "nickname"):
        words = search_key(str(claims.get(claim, ""))).split()[:8]
        keys |= {" ".join(words[place:]) for place in range(len(words))}
    return keys


def replace(db: Connection, user_id: str, keys: Iterable[str]) -> None:
    db.execute(delete(search_keys).where(search_keys.c.user_id == user_id))
    add(db, user_id, keys)


def add(db: Connection, user_id: str, keys: Iterable[str]) -> None:
    """Add search keys for a user who has none yet."""
    rows = [{"key": key, "user_id": user_id} for key in sorted(keys)]
    if rows:
        db.execute(insert(search_keys), rows)


def find_page(db: Connection, beginning: str, *, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str]]:
    """Return (key, user_id) pairs whose key begins with `beginning`, in order.

    `after` is the last pair of the previous page.
    """
    key, user_id = search_keys.c.key, search_keys.c.user_id
    query = select(key, user_id).where(key >= beginning, key < beginning + BEYOND)
    if after is not None:
        query = query.where(key >= after[0], or_(key > after[0], user_id > after[1]))
    return [(found, whose) for found, whose in db.execute(query.order_by(key, user_id).limit(limit))]
