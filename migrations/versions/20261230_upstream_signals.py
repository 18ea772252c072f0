"""Shared signals of upstream providers: what was received last, and identities whose user must be asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstream_signals",
        sa.Column("upstream", sa.String(32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("received", sa.String(500)),
        sa.Column("problem_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.String(500)),
        sa.Column("requested_at", sa.DateTime(timezone=True)),
        sa.Column("verified_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("upstream", name=op.f("pk_upstream_signals")),
    )
    op.add_column("linked_identities", sa.Column("prove_after", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("linked_identities", "prove_after")
    op.drop_table("upstream_signals")
