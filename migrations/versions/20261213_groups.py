"""Groups of users, with members, owners, roles, and groups that they contain."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def _group(table: str, name: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = op.f(f"fk_{table}_{name}_user_groups")
    return sa.Column(name, NAME, nullable=False), sa.ForeignKeyConstraint(
        [name], ["user_groups.name"], name=key, ondelete="CASCADE"
    )


def _user(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = op.f(f"fk_{table}_user_id_users")
    return sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False), sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=key, ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "user_groups",
        sa.Column("name", NAME, nullable=False),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_user_groups")),
    )
    for table in ("group_members", "group_owners"):
        op.create_table(
            table,
            *_group(table, "group_name"),
            *_user(table),
            sa.PrimaryKeyConstraint("group_name", "user_id", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "group_roles",
        *_group("group_roles", "group_name"),
        sa.Column("role", NAME, nullable=False),
        sa.PrimaryKeyConstraint("group_name", "role", name=op.f("pk_group_roles")),
    )
    op.create_table(
        "nested_groups",
        *_group("nested_groups", "group_name"),
        *_group("nested_groups", "contained"),
        sa.PrimaryKeyConstraint("contained", "group_name", name=op.f("pk_nested_groups")),
    )
    op.create_index("ix_group_members_user_id_group_name", "group_members", ["user_id", "group_name"])
    op.create_index("ix_group_owners_user_id", "group_owners", ["user_id"])
    op.create_index("ix_group_roles_role", "group_roles", ["role"])
    op.create_index("ix_nested_groups_group_name", "nested_groups", ["group_name"])


def downgrade() -> None:
    for table in ("nested_groups", "group_roles", "group_owners", "group_members", "user_groups"):
        op.drop_table(table)
