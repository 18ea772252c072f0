"""Sessions of apps: what an app holds by itself for a token family, without a browser."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_sessions",
        sa.Column("grant_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("session_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f("fk_own_sessions_grant_id_grants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_own_sessions_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_own_sessions")),
    )
    with op.batch_alter_table("own_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_own_sessions_session_id", ["session_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("own_sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_own_sessions_session_id")

    op.drop_table("own_sessions")
