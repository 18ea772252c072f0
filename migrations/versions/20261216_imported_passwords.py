"""Password hashes of other systems, and passkeys whose backup eligibility is not known yet."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passwords", sa.Column("imported", sa.Text()))
    op.add_column("passkeys", sa.Column("is_eligibility_unknown", sa.Boolean()))


def downgrade() -> None:
    # Passwords that were not used since they were imported are lost: their users choose new ones.
    op.drop_column("passkeys", "is_eligibility_unknown")
    op.drop_column("passwords", "imported")
