"""What a role requires of a sign-in, the acr of a grant, and two-factor authentication with passkeys alone."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("roles", sa.Column("required_factor", sa.String(16)))
    op.add_column("grants", sa.Column("acr", sa.String(16)))
    op.create_table(
        "two_factor_choices",
        sa.Column("user_id", sa.Uuid(as_uuid=False), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("two_factor_choices")
    op.drop_column("grants", "acr")
    op.drop_column("roles", "required_factor")
