"""Short client secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client_secrets", sa.Column("is_short", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("client_secrets", schema=None) as batch_op:
        batch_op.drop_column("is_short")
