"""Trusted issuers, whose JWTs authenticate clients or stand for users (RFC 7523), and who acts for which user."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trusted_issuers",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("jwks_uri", sa.String(2000), nullable=True),
        sa.Column("jwks", sa.JSON(), nullable=True),
        sa.Column("algorithms", sa.JSON(), nullable=False),
        sa.Column("user_mapping", sa.String(16), server_default="none", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_issuers")),
    )
    op.create_index("ix_trusted_issuers_issuer", "trusted_issuers", ["issuer"], unique=True)
    op.create_table(
        "delegations",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("via", sa.String(255), nullable=False),
        sa.Column("scope", sa.String(2000), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_delegations_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_delegations_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "client_id", name=op.f("pk_delegations")),
    )
    op.create_index("ix_delegations_client_id", "delegations", ["client_id"])
    op.create_index("ix_delegations_expires_at", "delegations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("delegations")
    op.drop_table("trusted_issuers")
