"""Shared signals: the streams of receivers, and the signals that wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

IDENTIFIER = sa.Uuid(as_uuid=False)


def _time(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "signal_streams",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("description", sa.String(200)),
        sa.Column("method", sa.String(4), nullable=False),
        sa.Column("endpoint_url", sa.String(2000)),
        sa.Column("sealed", sa.Text()),
        sa.Column("events_requested", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(200)),
        _time("created_at", nullable=False),
        _time("updated_at", nullable=False),
        _time("verified_at"),
        _time("delivered_at"),
        _time("claimed_until"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _time("retry_at"),
        sa.Column("error", sa.String(300)),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_signal_streams_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal_streams")),
        sa.UniqueConstraint("client_id", name=op.f("uq_signal_streams_client_id")),
    )
    op.create_table(
        "signals",
        sa.Column("id", IDENTIFIER, nullable=False),
        sa.Column("stream_id", IDENTIFIER, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("is_notice", sa.Boolean(), nullable=False),
        _time("created_at", nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["signal_streams.id"], name=op.f("fk_signals_stream_id_signal_streams"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signals")),
    )
    op.create_index("ix_signals_stream_id_id", "signals", ["stream_id", "id"])
    op.create_index("ix_signals_created_at", "signals", ["created_at"])


def downgrade() -> None:
    op.drop_table("signals")
    op.drop_table("signal_streams")
