"""Tokens that upstream providers issued for linked identities, and the clients that fetched them."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_tokens",
        sa.Column("identity_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("upstream", sa.String(32), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("scope", sa.String(2000), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["linked_identities.id"],
            name=op.f("fk_upstream_tokens_identity_id_linked_identities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("identity_id", name=op.f("pk_upstream_tokens")),
    )
    op.create_index("ix_upstream_tokens_upstream", "upstream_tokens", ["upstream"])
    op.create_index("ix_upstream_tokens_ended_at", "upstream_tokens", ["ended_at"])
    op.create_table(
        "upstream_token_uses",
        sa.Column("identity_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["linked_identities.id"],
            name=op.f("fk_upstream_token_uses_identity_id_linked_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.client_id"],
            name=op.f("fk_upstream_token_uses_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("identity_id", "client_id", name=op.f("pk_upstream_token_uses")),
    )
    op.create_index("ix_upstream_token_uses_client_id", "upstream_token_uses", ["client_id"])


def downgrade() -> None:
    op.drop_table("upstream_token_uses")
    op.drop_table("upstream_tokens")
