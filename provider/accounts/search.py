"""User search for operators: by id, by `@` and a domain, or by the beginning of an address or of a word of a name.

Also lists all users.
"""

from datetime import datetime

from provider.accounts.email.email_addresses import parse_address
from provider.accounts.store import email_addresses, search_keys, users
from provider.database.base import parse_id
from provider.database.types import search_key
from provider.work import UnitOfWork

Place = tuple[str, str]
"""The last (key, user id) of a page. In the list of all users, the key is the time of creation."""


def index(work: UnitOfWork, user_id: str) -> None:
    """Update the search keys of a user whose name or address changed, in this transaction."""
    user = users.find(work.db, user_id)
    if user is not None:
        addresses = [address.normal for address in email_addresses.find_all(work.db, user_id)]
        search_keys.replace(work.db, user_id, search_keys.keys_of(addresses, user.claims))


def find_page(work: UnitOfWork, text: str, *, after: Place | None, limit: int) -> tuple[list[str], Place | None]:
    """Return the ids of users that match `text`, in the order of their keys, and where the next page begins.

    An empty `text` matches all users, the latest first. A searched id is returned whether it exists or not.
    """
    user_id, beginning = parse_id(text), search_key(text)
    if user_id is not None:
        places = [("", user_id)]
    elif beginning.startswith("@"):
        places = email_addresses.find_page_of_domain(work.read, _domain(text), after=after, limit=limit + 1)
    elif beginning:
        places = search_keys.find_page(work.read, beginning, after=after, limit=limit + 1)
        if not places and after is None:  # of an address that a release before this one wrote there is no key
            owner = email_addresses.find_owner(work.read, beginning)
            places = [] if owner is None else [("", owner[0].id)]
    else:
        before = None if after is None or not after[0] else (datetime.fromisoformat(after[0]), after[1])
        latest = users.find_latest(work.read, before=before, limit=limit + 1)
        places = [(created_at.isoformat(), one) for created_at, one in latest]
    shown = places[:limit]
    # A user whose name and nickname begin alike is found twice, and listed once on a page.
    return list(dict.fromkeys(one for _, one in shown)), shown[-1] if len(places) > limit else None


def _domain(text: str) -> str:
    """Return the domain after the `@` as addresses are compared."""
    domain = text.strip().removeprefix("@")
    address = parse_address(f"user@{domain}")
    return search_key(domain) if address is None else address.normal.partition("@")[2]
