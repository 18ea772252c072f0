"""What operators find clients by: any part of the name, the client_id, or the host of a redirect URI."""

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, select

from provider.database import substrings
from provider.database.rows import rows_of
from provider.database.types import BEYOND, search_key
from provider.oauth.clients.store.clients import ClientRow, clients

MOST_HOSTS = 100
"""How many hosts of a client are searched."""

search_texts = substrings.text_table("client_search_texts", owner=clients.c.client_id)

_CLIENT = rows_of(ClientRow, clients)


def text_of(client_id: str, name: str, hosts: Iterable[str]) -> str:
    """Return the search text: the name, the client_id and the hosts, a line each."""
    return "\n".join(map(search_key, [name, client_id, *sorted(hosts)[:MOST_HOSTS]]))


def replace(db: Connection, client_id: str, text: str) -> None:
    substrings.put(db, search_texts, client_id, text)


def find_missing(db: Connection, *, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """Look for clients without a search text, as `substrings.find_missing` does."""
    return substrings.find_missing(db, search_texts, clients.c.client_id, after=after, limit=limit)


def keep_missing(db: Connection, found: Collection[str]) -> list[ClientRow]:
    """Return those that still exist and have no search text. Their rows stay until the transaction ends."""
    ids = substrings.keep_missing(db, search_texts, clients.c.client_id, found)
    return _CLIENT.all(db, _CLIENT.select().where(clients.c.client_id.in_(ids)).order_by(clients.c.client_id))


def add_missing(db: Connection, texts: dict[str, str]) -> None:
    substrings.put_missing(db, search_texts, texts)


def find_inside(db: Connection, part: str, *, after: int | None, limit: int, page: int) -> list[tuple[int, ClientRow]]:
    """Return (place, client) pairs of clients whose search text contains `part` and whose name does not begin with it.

    See `substrings`.
    """

    def begins_differently(owner: ColumnElement[str]) -> ColumnElement[bool]:
        named = (clients.c.name_key >= part, clients.c.name_key < part + BEYOND)
        return owner.not_in(select(clients.c.client_id).where(*named))

    found = substrings.find_page(db, search_texts, part, after=after, limit=limit, page=page, which=begins_differently)
    ids = [client_id for _, client_id in found]
    rows = {row.client_id: row for row in _CLIENT.all(db, _CLIENT.select().where(clients.c.client_id.in_(ids)))}
    return [(place, rows[client_id]) for place, client_id in found if client_id in rows]
