"""The origins of clients' pages: a preflight names no client, and is answered with one indexed query."""

from collections.abc import Iterable

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.oauth.clients.store.clients import clients

client_origins = Table(
    "client_origins",
    metadata,
    Column("origin", String(2000), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("origin", "client_id"),
    Index("ix_client_origins_client_id", "client_id"),
)

_REMOVE = Prepared(delete(client_origins).where(client_origins.c.client_id == bindparam("of_client")))
_ADD = Prepared(insert(client_origins))


def replace(db: Connection, client_id: str, origins: Iterable[str]) -> None:
    """Replace the client's origins with these."""
    _REMOVE.change(db, {"of_client": client_id})
    rows = [{"origin": origin, "client_id": client_id} for origin in sorted(origins)]
    if len(rows) == 1:
        _ADD.change(db, rows[0])
    elif rows:
        db.execute(insert(client_origins), rows)


def is_known(db: Connection, origin: str) -> bool:
    """Return whether a client that is not disabled has pages at this origin."""
    theirs = client_origins.join(clients, clients.c.client_id == client_origins.c.client_id)
    live = (client_origins.c.origin == origin, clients.c.disabled_at.is_(None))
    found = select(client_origins.c.client_id).select_from(theirs).where(*live).limit(1)
    return db.scalar(found) is not None


def find_clients(db: Connection, origin: str) -> list[str]:
    """Return the client_id of each client with pages at this origin that is not disabled."""
    theirs = client_origins.join(clients, clients.c.client_id == client_origins.c.client_id)
    live = (client_origins.c.origin == origin, clients.c.disabled_at.is_(None))
    return list(db.scalars(select(client_origins.c.client_id).select_from(theirs).where(*live)))
