"""What a million rows are found by."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of a session that is purged the enrolments go too: without it each session reads all of them.
    with op.get_context().autocommit_block():
        op.drop_index("ix_totp_enrolments_session_id", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_totp_enrolments_session_id", "totp_enrolments", ["session_id"], postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index("ix_totp_enrolments_session_id", table_name="totp_enrolments")
