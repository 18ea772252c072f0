"""When the password was typed in the browser of a verification link."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("one_time_links", sa.Column("password_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("one_time_links", "password_at")
