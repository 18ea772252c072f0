"""The devices on which the second factor is not asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered_devices",
        sa.Column(
            "device_id",
            sa.Uuid(as_uuid=False),
            sa.ForeignKey("known_devices.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_remembered_devices_digest", "remembered_devices", ["digest"])
    op.create_index("ix_remembered_devices_expires_at", "remembered_devices", ["expires_at"])


def downgrade() -> None:
    op.drop_table("remembered_devices")
