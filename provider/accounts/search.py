"""User search for operators: by id, by `@` and a domain, or by any part of an address or a name.

First come those of whom an address or a word of a name begins with the text. Also lists all users.
"""

from datetime import datetime

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses, search_keys, users
from provider.database.base import parse_id
from provider.database.substrings import LENGTH
from provider.database.types import search_key
from provider.work import UnitOfWork

Place = tuple[str, str]
"""The last (key, user id) of a page. In the list of all users, the key is the time of creation."""
OF_DOMAIN: Place = ("", "00000000-0000-0000-0000-000000000000")
"""The place before the first user of a domain. A search that begins here finds no users of whom an address only
contains the text, even if the domain has no users any more.
"""
INSIDE = " "
"""How the key of a place begins among the users of whom nothing begins with the text. No search key begins with it."""


def index(work: UnitOfWork, user_id: str) -> None:
    """Update the search keys of a user whose name or address changed, in this transaction."""
    user = users.find(work.db, user_id)
    if user is not None:
        addresses = [address.normal for address in email_addresses.find_all(work.db, user_id)]
        search_keys.replace(work.db, user_id, search_keys.keys_of(addresses, user.claims))


def index_missing(work: UnitOfWork, *, after: str | None, limit: int) -> str | None:
    """Look at the next `limit` users. Store the search texts of those who have none, because an earlier release wrote
    them.

    Returns the last user that was looked at, or None if there are no more.
    """
    missing, last = search_keys.find_missing_texts(work.read, after=after, limit=limit)
    if missing:  # otherwise SQLite's write lock is not taken
        search_keys.add_missing_texts(work.db, missing)
    return last


def find_page(work: UnitOfWork, text: str, *, after: Place | None, limit: int) -> tuple[list[str], Place | None]:
    """Return the ids of users that match `text`, in the order of their keys, and where the next page begins.

    An empty `text` matches all users, the latest first. A searched id is returned whether it exists or not.
    """
    places = find_places(work, text, after=after, limit=limit + 1, page=limit)
    shown = places[:limit]
    # A user whose name and nickname begin alike is found twice, and listed once on a page.
    return list(dict.fromkeys(one for _, one in shown)), shown[-1] if len(places) > limit else None


def find_places(work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int) -> list[Place]:
    """Return the places of users that match `text`, as `find_page` does. `page` is how many of them it shows."""
    user_id, beginning = parse_id(text), search_key(text)
    if user_id is not None:
        return [("", user_id)]
    if beginning:
        return _find_keys(work, beginning, after=after, limit=limit, page=page)
    before = None if after is None or not after[0] else (datetime.fromisoformat(after[0]), after[1])
    return [(at.isoformat(), one) for at, one in users.find_latest(work.read, before=before, limit=limit)]


def is_of_domain(work: UnitOfWork, text: str, *, had_users: bool = False) -> bool:
    """Return whether this is an `@` and a domain that has users, so that only they are found. With `had_users`, it had
    some earlier.
    """
    key = search_key(text)
    return key.startswith("@") and (had_users or bool(_find_beginnings(work, key, after=None, limit=1)))


def _find_keys(work: UnitOfWork, text: str, *, after: Place | None, limit: int, page: int) -> list[Place]:
    """Return the places of users of whom something begins with this search key, and then of those who contain it."""
    inside = after is not None and after[0].startswith(INSIDE)
    places = [] if inside else _find_beginnings(work, text, after=after, limit=limit)
    whole_domain = text.startswith("@") and (bool(places) or (after is not None and not inside))
    if len(places) == limit or len(text) < LENGTH or whole_domain:
        return places
    last = int(after[0]) if inside and after is not None else None
    more, fit = limit - len(places), page - len(places)
    found = search_keys.find_inside(work.read, text, after=last, limit=more, page=fit)
    return places + [(f"{INSIDE}{place}", user_id) for place, user_id in found]


def _find_beginnings(work: UnitOfWork, text: str, *, after: Place | None, limit: int) -> list[Place]:
    if text.startswith("@"):
        return email_addresses.find_page_of_domain(work.read, _domain(text), after=after, limit=limit)
    places = search_keys.find_page(work.read, text, after=after, limit=limit)
    if not places and after is None:  # of an address that a release before this one wrote there is no key
        owner = email_addresses.find_owner(work.read, text)
        return [] if owner is None else [("", owner[0].id)]
    return places


def _domain(text: str) -> str:
    """Return the domain after the `@` as addresses are compared."""
    domain = text.strip().removeprefix("@")
    address = parse_address(f"user@{domain}")
    return search_key(domain) if address is None else address.normal.partition("@")[2]
