"""An index over the few users whose accounts are not in use, so that SCIM clients get a fast count of the others."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

NAME = "ix_users_not_in_use"
NOT_IN_USE = sa.text("status IN ('INACTIVE', 'SUSPENDED')")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(NAME, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME, "users", ["id"], sqlite_where=NOT_IN_USE, postgresql_where=NOT_IN_USE, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index(NAME, table_name="users")
