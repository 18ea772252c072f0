"""Backchannel authentication requests (CIBA) and the answers of the people who are asked."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

TABLE = "backchannel_requests"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("scope", sa.String(length=2000), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("poll_interval", sa.Integer(), nullable=False),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("binding_message", sa.String(length=200), nullable=True),
        sa.Column("acr_values", sa.String(length=200), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("notification", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f(f"fk_{TABLE}_client_id_clients"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f(f"fk_{TABLE}_grant_id_grants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{TABLE}_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("id", name=op.f(f"uq_{TABLE}_id")),
    )
    with op.batch_alter_table(TABLE, schema=None) as batch_op:
        for column in ("client_id", "expires_at", "grant_id", "user_id"):
            batch_op.create_index(f"ix_{TABLE}_{column}", [column], unique=False)


def downgrade() -> None:
    op.drop_table(TABLE)
