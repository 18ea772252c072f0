"""Several authenticator apps of a user, with names, and where they are set up."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("totp_credentials", sa.Column("id", sa.Uuid(as_uuid=False)))
    op.add_column("totp_credentials", sa.Column("name", sa.Text()))
    op.add_column("totp_credentials", sa.Column("last_used_at", sa.DateTime(timezone=True)))
    first = sa.ForeignKey("totp_credentials.user_id", ondelete="CASCADE")
    op.create_table(
        "further_totp_credentials",
        sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("user_id", sa.Uuid(as_uuid=False), first, nullable=False),
        sa.Column("seed", sa.String(200), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_further_totp_credentials_user_id", "further_totp_credentials", ["user_id"])
    session = sa.ForeignKey("sessions.id", ondelete="CASCADE")
    op.create_table(
        "totp_setups",
        sa.Column("user_id", sa.Uuid(as_uuid=False), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("session_id", sa.Uuid(as_uuid=False), session, nullable=False),
        sa.Column("seed", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaces", sa.Uuid(as_uuid=False)),
    )
    op.create_index("ix_totp_setups_session_id", "totp_setups", ["session_id"])


def downgrade() -> None:
    op.drop_table("totp_setups")
    op.drop_table("further_totp_credentials")
    with op.batch_alter_table("totp_credentials") as table:
        table.drop_column("last_used_at")
        table.drop_column("name")
        table.drop_column("id")
