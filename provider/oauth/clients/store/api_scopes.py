"""The scopes of APIs that operators described, each with its description."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import JSON, Column, Connection, ForeignKey, Index, String, Table, delete, insert

from provider.database.base import metadata
from provider.database.rows import rows_of
from provider.oauth.clients.store.clients import clients

api_scopes = Table(
    "api_scopes",
    metadata,
    Column("scope", String(256), primary_key=True),
    Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), primary_key=True),
    Column("texts", JSON, nullable=False),
    Index("ix_api_scopes_client_id", "client_id"),
)


@dataclass(frozen=True)
class DescribedScope:
    """A scope as one API describes it."""

    scope: str
    client_id: str
    texts: dict[str, str]
    """The description by language tag."""


_SCOPE = rows_of(DescribedScope, api_scopes)


def replace(db: Connection, client_id: str, described: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the descriptions of an API with these."""
    db.execute(delete(api_scopes).where(api_scopes.c.client_id == client_id))
    rows = [{"scope": scope, "client_id": client_id, "texts": texts} for scope, texts in described.items()]
    if rows:
        db.execute(insert(api_scopes), rows)


def find(db: Connection, scopes: Collection[str]) -> list[DescribedScope]:
    """Return the descriptions of these scopes by APIs that are not disabled."""
    live = api_scopes.join(clients, clients.c.client_id == api_scopes.c.client_id)
    query = _SCOPE.select().select_from(live).where(api_scopes.c.scope.in_(scopes), clients.c.disabled_at.is_(None))
    return _SCOPE.all(db, query.order_by(api_scopes.c.scope, api_scopes.c.client_id))
