"""What operators find users by: the beginning of an address or of a word of a name, or any part of them.

The search keys are each address, and each name from each of its words on. The search text has all of them, a line each.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import idna
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    PrimaryKeyConstraint,
    Table,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
)

from provider.accounts.store.users import users
from provider.database import substrings
from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.types import BEYOND, Identifier, SearchKey, search_key

search_keys = Table(
    "search_keys",
    metadata,
    Column("key", SearchKey, nullable=False),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "user_id"),
)
_ADD = Prepared(insert(search_keys))
search_texts = substrings.text_table("user_search_texts", owner=users.c.id)


def keys_of(addresses: Iterable[str], claims: Mapping[str, Any]) -> set[str]:
    """Return the search keys: each address whole, and each name from each of its first eight words on."""
    keys = {search_key(address) for address in addresses}
    for claim in ("name", "preferred_username", "nickname"):
        words = search_key(str(claims.get(claim, ""))).split()[:8]
        keys |= {" ".join(words[place:]) for place in range(len(words))}
    return keys


def text_of(keys: Iterable[str]) -> str:
    """Return the search text: every key that is not part of another, and international domains also as A-labels."""
    lines: list[str] = []
    for key in sorted(keys, key=lambda key: (-len(key), key)):
        if not any(key in line for line in lines):
            lines.append(key)
    return "\n".join([*lines, *filter(None, map(_with_a_labels, lines))])


def _with_a_labels(key: str) -> str | None:
    """Return the domain of an address as it is sent and as others show it, or None if it is written the same."""
    _, at, domain = key.partition("@")
    if not at or domain.isascii():
        return None
    try:
        return f"@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:  # not an address, but a name with an @
        return None


def replace(db: Connection, user_id: str, keys: Collection[str]) -> None:
    db.execute(delete(search_keys).where(search_keys.c.user_id == user_id))
    add(db, user_id, keys)


def add(db: Connection, user_id: str, keys: Collection[str]) -> None:
    """Add what a user is found by who is not found yet."""
    _add(db, [{"key": key, "user_id": user_id} for key in sorted(keys)])
    substrings.put(db, search_texts, user_id, text_of(keys))


def add_all(db: Connection, keys_of_users: Mapping[str, Collection[str]]) -> None:
    """Add what new users are found by, by their ids."""
    _add(db, [{"key": key, "user_id": user_id} for user_id, keys in keys_of_users.items() for key in sorted(keys)])
    substrings.put_missing(db, search_texts, {user_id: text_of(keys) for user_id, keys in keys_of_users.items()})


def _add(db: Connection, rows: Sequence[Mapping[str, str]]) -> None:
    if len(rows) == 1:  # a user without a name
        _ADD.change(db, rows[0])
    elif rows:
        db.execute(insert(search_keys), rows)


def find_missing_texts(db: Connection, *, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """Look for users without a search text, as `substrings.find_missing` does."""
    return substrings.find_missing(db, search_texts, users.c.id, after=after, limit=limit)


def add_missing_texts(db: Connection, found: Collection[str]) -> None:
    """Store the search texts of these users, except of those who have one meanwhile or are gone."""
    missing = substrings.keep_missing(db, search_texts, users.c.id, found)
    keys: dict[str, list[str]] = defaultdict(list)
    for key, user_id in db.execute(select(search_keys).where(search_keys.c.user_id.in_(missing))):
        keys[user_id].append(key)
    substrings.put_missing(db, search_texts, {user_id: text_of(keys[user_id]) for user_id in missing})


def find_page(db: Connection, beginning: str, *, after: tuple[str, str] | None, limit: int) -> list[tuple[str, str]]:
    """Return (key, user_id) pairs whose key begins with `beginning`, in order.

    `after` is the last pair of the previous page.
    """
    key, user_id = search_keys.c.key, search_keys.c.user_id
    query = select(key, user_id).where(_begins(beginning))
    if after is not None:
        query = query.where(key >= after[0], or_(key > after[0], user_id > after[1]))
    return [(found, whose) for found, whose in db.execute(query.order_by(key, user_id).limit(limit))]


def find_inside(db: Connection, part: str, *, after: int | None, limit: int, page: int) -> list[tuple[int, str]]:
    """Return (place, user_id) pairs of users of whom a key contains `part` and none begins with it, as `substrings`
    does.
    """

    def has_no_beginning(owner: ColumnElement[str]) -> ColumnElement[bool]:
        return ~exists().where(search_keys.c.user_id == owner, _begins(part))

    return substrings.find_page(db, search_texts, part, after=after, limit=limit, page=page, which=has_no_beginning)


def _begins(beginning: str) -> ColumnElement[bool]:
    return and_(search_keys.c.key >= beginning, search_keys.c.key < beginning + BEYOND)
