"""The groups that a user is in because an upstream says so, apart from those by operators and SCIM.

A row ends with the membership: who is removed and added again by an operator is a member by the operator.
"""

from sqlalchemy import Column, Connection, ForeignKeyConstraint, String, Table, delete, insert, select

from provider.database.base import metadata
from provider.database.types import Identifier, Name

granted_groups = Table(
    "granted_groups",
    metadata,
    Column("user_id", Identifier, primary_key=True),
    Column("issuer", String(255), primary_key=True),
    Column("group_name", Name, primary_key=True),
    ForeignKeyConstraint(
        ["group_name", "user_id"], ["group_members.group_name", "group_members.user_id"], ondelete="CASCADE"
    ),
)


def find(db: Connection, user_id: str) -> set[tuple[str, str]]:
    """Return the (issuer, group) pairs of a user."""
    query = select(granted_groups.c.issuer, granted_groups.c.group_name).where(granted_groups.c.user_id == user_id)
    return {(issuer, name) for issuer, name in db.execute(query)}


def replace(db: Connection, user_id: str, issuer: str, names: set[str]) -> None:
    """Store the groups that the user is in by this issuer, and no others. The user is a member of each."""
    mine = (granted_groups.c.user_id == user_id, granted_groups.c.issuer == issuer)
    db.execute(delete(granted_groups).where(*mine))
    rows = [{"user_id": user_id, "issuer": issuer, "group_name": name} for name in sorted(names)]
    if rows:
        db.execute(insert(granted_groups), rows)
