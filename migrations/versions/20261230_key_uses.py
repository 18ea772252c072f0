"""Who uses signing keys that sign nothing new, and since when their removal waits for them."""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

COLUMNS = ("tokens_expire_at", "delayed_at", "removed_at")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("signing_keys", sa.Column(name, sa.DateTime(timezone=True)))
    op.create_table(
        "hourly_key_uses",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("use", sa.String(24), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hour", "kid", "use", "source", name=op.f("pk_hourly_key_uses")),
    )


def downgrade() -> None:
    op.drop_table("hourly_key_uses")
    for name in reversed(COLUMNS):
        op.drop_column("signing_keys", name)
