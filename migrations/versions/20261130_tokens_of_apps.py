"""Counts of the tokens that each app was issued, by grant type."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_app_tokens",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("grant_type", sa.String(32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "client_id", "grant_type", name=op.f("pk_hourly_app_tokens")),
    )


def downgrade() -> None:
    op.drop_table("hourly_app_tokens")
