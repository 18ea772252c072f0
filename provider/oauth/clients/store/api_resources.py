"""The APIs that access tokens can be for, each with its registered identifier (RFC 8707)."""

from collections.abc import Iterable

from sqlalchemy import Column, Connection, ForeignKey, Index, String, Table, delete, insert, select

from provider.database.base import metadata
from provider.oauth.clients.store.clients import clients

api_resources = Table(
    "api_resources",
    metadata,
    Column("identifier", String(512), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False),
    Index("ix_api_resources_client_id", "client_id"),
)


def replace(db: Connection, client_id: str, identifiers: Iterable[str]) -> None:
    """Replace the client's identifiers with these."""
    db.execute(delete(api_resources).where(api_resources.c.client_id == client_id))
    rows = [{"identifier": identifier, "client_id": client_id} for identifier in sorted(set(identifiers))]
    if rows:
        db.execute(insert(api_resources), rows)


def find_owners(db: Connection, identifiers: Iterable[str]) -> dict[str, str]:
    """Return the owners of these identifiers, as identifier to client_id. Disabled clients are included."""
    query = select(api_resources).where(api_resources.c.identifier.in_(list(identifiers)))
    return {row.identifier: row.client_id for row in db.execute(query)}


def find_live(db: Connection, identifiers: Iterable[str]) -> set[str]:
    """Return the identifiers whose API is registered and not disabled."""
    live = api_resources.join(clients, clients.c.client_id == api_resources.c.client_id)
    wanted = (api_resources.c.identifier.in_(list(identifiers)), clients.c.disabled_at.is_(None))
    return set(db.scalars(select(api_resources.c.identifier).select_from(live).where(*wanted)))
