"""The key that a code or refresh token is bound to, and the DPoP proofs that were used (RFC 9449)."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("authorization_codes", "refresh_tokens"):
        op.add_column(table, sa.Column("confirmation", sa.String(64)))
    op.create_table(
        "used_proofs",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_used_proofs_expires_at", "used_proofs", ["expires_at"])


def downgrade() -> None:
    op.drop_table("used_proofs")
    for table in ("authorization_codes", "refresh_tokens"):
        op.drop_column(table, "confirmation")
