"""Trusted issuers: servers whose JWTs authenticate clients or stand for users (RFC 7523)."""

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


def downgrade() -> None:
    op.drop_table("trusted_issuers")
