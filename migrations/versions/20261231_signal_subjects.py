"""Shared signals: the subjects that receivers add and remove, and the last deliveries of each stream."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

IDENTIFIER = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    # Nodes of the previous release add streams and signals without these columns.
    subjects = sa.Column("default_subjects", sa.String(4), nullable=False, server_default="ALL")
    op.add_column("signal_streams", subjects)
    op.add_column("signals", sa.Column("event_type", sa.String(100)))
    op.create_table(
        "signal_subjects",
        sa.Column("stream_id", IDENTIFIER, nullable=False),
        sa.Column("user_id", IDENTIFIER, nullable=False),
        sa.Column("is_added", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["signal_streams.id"],
            name=op.f("fk_signal_subjects_stream_id_signal_streams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_signal_subjects_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "stream_id", name=op.f("pk_signal_subjects")),
    )
    op.create_index("ix_signal_subjects_stream_id", "signal_subjects", ["stream_id"])
    op.create_table(
        "signal_deliveries",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("stream_id", IDENTIFIER, nullable=False),
        sa.Column("signal_id", IDENTIFIER, nullable=False),
        sa.Column("event_type", sa.String(100)),
        sa.Column("outcome", sa.String(11), nullable=False),
        sa.Column("error", sa.String(300)),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["signal_streams.id"],
            name=op.f("fk_signal_deliveries_stream_id_signal_streams"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_deliveries")),
    )
    op.create_index("ix_signal_deliveries_stream_id_id", "signal_deliveries", ["stream_id", "id"])


def downgrade() -> None:
    op.drop_table("signal_deliveries")
    op.drop_table("signal_subjects")
    op.drop_column("signals", "event_type")
    op.drop_column("signal_streams", "default_subjects")
