"""Attributes of users that operators declare, and their values."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")
    op.create_table(
        "user_attributes",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", name, nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("label", sa.JSON(), nullable=False),
        sa.Column("help", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("seen_by", sa.JSON(), nullable=False),
        sa.Column("edited_by", sa.JSON(), nullable=False),
        sa.Column("shown_at", sa.JSON(), nullable=False),
        sa.Column("required_at", sa.JSON(), nullable=False),
        sa.Column("searchable", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=True),
        sa.Column("claim", sa.String(length=100), nullable=True),
        sa.Column("released_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_attributes")),
        sa.UniqueConstraint("name", name=op.f("uq_user_attributes_name")),
        sa.UniqueConstraint("claim", name=op.f("uq_user_attributes_claim")),
    )
    op.create_table(
        "deleted_user_attributes",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_user_attributes")),
    )
    op.create_index(op.f("ix_deleted_user_attributes_deleted_at"), "deleted_user_attributes", ["deleted_at"])
    key = sa.String(length=254).with_variant(sa.String(length=254, collation="C"), "postgresql")
    op.create_table(
        "user_attribute_values",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("attribute_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("search_key", key, nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_attribute_values_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "attribute_id", name=op.f("pk_user_attribute_values")),
    )
    op.create_index(
        "ix_user_attribute_values_search", "user_attribute_values", ["attribute_id", "search_key", "user_id"]
    )


def downgrade() -> None:
    for table in ("user_attribute_values", "deleted_user_attributes", "user_attributes"):
        op.drop_table(table)
