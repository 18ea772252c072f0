"""The roles that a user has because an upstream says so, apart from those that operators gave."""

from sqlalchemy import Column, Connection, ForeignKey, String, Table, delete, insert, select

from provider.database.base import metadata
from provider.database.types import Identifier

granted_roles = Table(
    "granted_roles",
    metadata,
    Column("user_id", Identifier, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("issuer", String(255), primary_key=True),
    Column("role", String(200), primary_key=True),
)


def find(db: Connection, user_id: str) -> set[tuple[str, str]]:
    """Return the (issuer, role) pairs of a user."""
    query = select(granted_roles.c.issuer, granted_roles.c.role).where(granted_roles.c.user_id == user_id)
    return {(issuer, role) for issuer, role in db.execute(query)}


def replace(db: Connection, user_id: str, issuer: str, roles: set[str]) -> None:
    """Store the roles that the user has by this issuer, and no others."""
    mine = (granted_roles.c.user_id == user_id, granted_roles.c.issuer == issuer)
    db.execute(delete(granted_roles).where(*mine))
    rows = [{"user_id": user_id, "issuer": issuer, "role": role} for role in sorted(roles)]
    if rows:
        db.execute(insert(granted_roles), rows)
