"""Descriptions of the scopes of APIs; types of authorization details (RFC 9396), and what users allowed of them."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_scopes",
        sa.Column("scope", sa.String(length=256), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_api_scopes_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scope", "client_id", name=op.f("pk_api_scopes")),
    )
    op.create_index("ix_api_scopes_client_id", "api_scopes", ["client_id"])
    name = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")
    op.create_table(
        "authorization_details_types",
        sa.Column("type", name, nullable=False),
        sa.Column("json_schema", sa.JSON(), nullable=False),
        sa.Column("label", sa.JSON(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("ask_each_time", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_authorization_details_types")),
    )
    for table in ("consents", "grants"):
        op.add_column(table, sa.Column("authorization_details", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    for table in ("consents", "grants"):
        op.drop_column(table, "authorization_details")
    op.drop_table("authorization_details_types")
    op.drop_table("api_scopes")
