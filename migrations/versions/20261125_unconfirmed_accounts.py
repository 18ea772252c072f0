"""An index over the accounts that nobody confirmed, by age."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    inactive = sa.text("status = 'INACTIVE'")
    op.create_index(
        "ix_users_inactive_created_at",
        "users",
        ["created_at"],
        unique=False,
        sqlite_where=inactive,
        postgresql_where=inactive,
    )


def downgrade() -> None:
    op.drop_index("ix_users_inactive_created_at", table_name="users")
