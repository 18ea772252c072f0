"""How operators find people: by id, or by the beginning of an address or of a word of a name; and the list of all."""

from dataclasses import dataclass
from datetime import datetime

from provider.accounts.store import email_addresses, search_keys, users
from provider.accounts.store.users import User
from provider.database.base import parse_id
from provider.database.types import search_key
from provider.work import UnitOfWork

Place = tuple[str, str]
"""Where a page ends: a key and a user's id; of the list of all, "" and an id."""


@dataclass(frozen=True)
class Found:
    """A person as a list shows them."""

    id: str
    address: str
    verified_at: datetime | None
    name: str
    status: str
    roles: list[str]
    created_at: datetime


def index(work: UnitOfWork, user_id: str) -> None:
    """Make a person whose name or address changed findable as they are now, in this transaction."""
    user = users.find(work.db, user_id)
    if user is not None:
        addresses = [address.normal for address in email_addresses.find_all(work.db, user_id)]
        search_keys.replace(work.db, user_id, search_keys.keys_of(addresses, user.claims))


def find_page(work: UnitOfWork, text: str, *, after: Place | None, limit: int) -> tuple[list[Found], Place | None]:
    """People whom `text` finds, in the order of what was found; without one everybody, the latest first. And where the
    next page begins.
    """
    user_id, beginning = parse_id(text), search_key(text)
    if user_id is not None:
        places = [("", user_id)]
    elif beginning:
        places = search_keys.find_page(work.read, beginning, after=after, limit=limit + 1)
        if not places and after is None:  # of an address that a release before this one wrote there is no key
            owner = email_addresses.find_owner(work.read, beginning)
            places = [] if owner is None else [("", owner[0].id)]
    else:
        before = None if after is None else after[1]
        places = [("", one) for one in users.find_latest(work.read, before=before, limit=limit + 1)]
    shown = places[:limit]
    people = email_addresses.find_holders(work.read, [one for _, one in shown])
    # Somebody whose name and nickname begin alike is found twice, and listed once on a page.
    found = {one: _describe(*people[one]) for _, one in shown if one in people}
    return list(found.values()), shown[-1] if len(places) > limit else None


def _describe(user: User, address: email_addresses.EmailAddress | None) -> Found:
    return Found(
        id=user.id,
        address="" if address is None else address.address,
        verified_at=None if address is None else address.verified_at,
        name=str(user.claims.get("name") or ""),
        status=user.status,
        roles=user.roles,
        created_at=user.created_at,
    )
