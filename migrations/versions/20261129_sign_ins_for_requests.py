"""The session whose user signed in for an authorization request."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("authorization_requests", sa.Column("signed_in_session_id", sa.Uuid(as_uuid=False), nullable=True))


def downgrade() -> None:
    op.drop_column("authorization_requests", "signed_in_session_id")
