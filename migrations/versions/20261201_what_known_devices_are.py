"""The browser and the network of each known device."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("known_devices", sa.Column("user_agent", sa.String(300)))
    op.add_column("known_devices", sa.Column("network", sa.String(64)))


def downgrade() -> None:
    with op.batch_alter_table("known_devices") as table:
        table.drop_column("network")
        table.drop_column("user_agent")
