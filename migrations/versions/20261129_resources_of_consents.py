"""The APIs that a user allowed a client to use."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consents", sa.Column("resources", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("consents", "resources")
