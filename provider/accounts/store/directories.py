"""The tables of what directories said of users and groups by SCIM: user names, profiles and their own identifiers."""

from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    select,
)

from provider.accounts.store.group_tables import user_groups
from provider.database.base import metadata
from provider.database.types import LONGEST_KEY, Identifier, Name, SearchKey, UtcTime

scim_users = Table(
    "scim_users",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("user_name", String(LONGEST_KEY), nullable=False),
    Column("user_name_key", SearchKey, nullable=False, unique=True),
    Column("profile", JSON, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)


def _client() -> Column[str]:
    return Column("client_id", String(128), ForeignKey("clients.client_id", ondelete="CASCADE"), nullable=False)


scim_user_ids = Table(
    "scim_user_ids",
    metadata,
    _client(),
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("external_id", SearchKey, nullable=False),
    PrimaryKeyConstraint("client_id", "user_id"),
    UniqueConstraint("client_id", "external_id"),
    Index("ix_scim_user_ids_user_id", "user_id"),
)
scim_group_ids = Table(
    "scim_group_ids",
    metadata,
    _client(),
    Column("group_name", Name, ForeignKey("user_groups.name", ondelete="CASCADE"), nullable=False),
    Column("external_id", SearchKey, nullable=False),
    PrimaryKeyConstraint("client_id", "group_name"),
    UniqueConstraint("client_id", "external_id"),
    Index("ix_scim_group_ids_group_name", "group_name"),
)
Index("ix_user_groups_display_name", user_groups.c.display_name)


def find_of_user(db: Connection, user_id: str) -> dict[str, Any]:
    """Return what directories said of a user, for the user's export. Empty if none did."""
    said = db.execute(
        select(scim_users.c.user_name, scim_users.c.profile).where(scim_users.c.user_id == user_id)
    ).one_or_none()
    external = select(scim_user_ids.c.client_id, scim_user_ids.c.external_id).where(scim_user_ids.c.user_id == user_id)
    ids = {row.client_id: row.external_id for row in db.execute(external)}
    named = {} if said is None else {"user_name": said.user_name, "profile": said.profile}
    return named | ({"external_ids": ids} if ids else {})
