"""Counts by day and by app, active users, and the processes that run."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hourly_app_counts",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "client_id", name=op.f("pk_hourly_app_counts")),
    )
    op.create_table(
        "daily_counts",
        sa.Column(
            "name",
            sa.String(160).with_variant(sa.String(160, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "day", name=op.f("pk_daily_counts")),
    )
    op.create_table(
        "active_users",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_active_users_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_active_users")),
    )
    op.create_index(op.f("ix_active_users_day"), "active_users", ["day"])
    op.create_index(op.f("ix_daily_counts_day"), "daily_counts", ["day"])
    op.create_table(
        "processes",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("delivers", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds_behind", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    op.create_index(op.f("ix_processes_seen_at"), "processes", ["seen_at"])


def downgrade() -> None:
    op.drop_table("processes")
    op.drop_table("active_users")
    op.drop_table("daily_counts")
    op.drop_table("hourly_app_counts")
