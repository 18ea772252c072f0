"""Until when the copy of a client's metadata document is fresh; null for a registered client."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("document_expires_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM clients WHERE document_expires_at IS NOT NULL")  # an older release cannot fetch them
    with op.batch_alter_table("clients") as batch_op:
        batch_op.drop_column("document_expires_at")
