"""What SCIM clients say of users and groups: user names, profiles, and the clients' own identifiers."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

KEY = sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")
NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def _client(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = op.f(f"fk_{table}_client_id_clients")
    return sa.Column("client_id", sa.String(128), nullable=False), sa.ForeignKeyConstraint(
        ["client_id"], ["clients.client_id"], name=key, ondelete="CASCADE"
    )


def _user(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = op.f(f"fk_{table}_user_id_users")
    return sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False), sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=key, ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "scim_users",
        *_user("scim_users"),
        sa.Column("user_name", sa.String(254), nullable=False),
        sa.Column("user_name_key", KEY, nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_scim_users")),
        sa.UniqueConstraint("user_name_key", name=op.f("uq_scim_users_user_name_key")),
    )
    op.create_table(
        "scim_user_ids",
        *_client("scim_user_ids"),
        *_user("scim_user_ids"),
        sa.Column("external_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "user_id", name=op.f("pk_scim_user_ids")),
        sa.UniqueConstraint("client_id", "external_id", name=op.f("uq_scim_user_ids_client_id_external_id")),
    )
    op.create_index("ix_scim_user_ids_user_id", "scim_user_ids", ["user_id"])
    op.create_table(
        "scim_group_ids",
        *_client("scim_group_ids"),
        sa.Column("group_name", NAME, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_name"],
            ["user_groups.name"],
            name=op.f("fk_scim_group_ids_group_name_user_groups"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "group_name", name=op.f("pk_scim_group_ids")),
        sa.UniqueConstraint("client_id", "external_id", name=op.f("uq_scim_group_ids_client_id_external_id")),
    )
    op.create_index("ix_scim_group_ids_group_name", "scim_group_ids", ["group_name"])
    with op.get_context().autocommit_block():  # requests do not wait; a killed run begins again
        op.drop_index("ix_user_groups_display_name", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_user_groups_display_name", "user_groups", ["display_name"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("ix_user_groups_display_name", table_name="user_groups")
    for table in ("scim_group_ids", "scim_user_ids", "scim_users"):
        op.drop_table(table)
