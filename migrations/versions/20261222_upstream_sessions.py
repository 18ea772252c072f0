"""Which session of an upstream provider a session here came from, for sign-out in both directions."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_sessions",
        sa.Column("session_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("upstream", sa.String(32), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("sid", sa.String(255)),
        sa.Column("sealed_id_token", sa.Text()),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_upstream_sessions_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_upstream_sessions")),
    )
    op.create_index("ix_upstream_sessions_issuer_subject", "upstream_sessions", ["issuer", "subject"])
    op.create_index("ix_upstream_sessions_issuer_sid", "upstream_sessions", ["issuer", "sid"])


def downgrade() -> None:
    op.drop_table("upstream_sessions")
