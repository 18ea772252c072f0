"""Since when a signing key signs, and one upcoming key of each pair at most."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signs_from", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE signing_keys SET signs_from = created_at WHERE state = 'current'")
    # Two published at one moment: neither signed anything yet, so either may go.
    op.execute(
        "DELETE FROM signing_keys WHERE state = 'upcoming' AND EXISTS (SELECT 1 FROM signing_keys AS other "
        "WHERE other.state = 'upcoming' AND other.alg = signing_keys.alg AND other.kid < signing_keys.kid)"
    )
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.create_index(
            "uq_signing_keys_upcoming",
            ["alg"],
            unique=True,
            sqlite_where=sa.text("state = 'upcoming'"),
            postgresql_where=sa.text("state = 'upcoming'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.drop_index("uq_signing_keys_upcoming")
    with op.batch_alter_table("signing_keys", schema=None) as batch_op:
        batch_op.drop_column("signs_from")
    # An earlier version knows two pairs, and cannot parse another.
    op.execute("DELETE FROM signing_keys WHERE alg NOT IN ('RS256', 'ES256')")
