"""Security stamps of sessions and grants, and the session that a browser had when it opened a request."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("security_stamp", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("proven_earlier", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("grants", sa.Column("security_stamp", sa.DateTime(timezone=True), nullable=True))
    op.add_column("authorization_requests", sa.Column("earlier_session", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("authorization_requests", "earlier_session")
    op.drop_column("grants", "security_stamp")
    op.drop_column("sessions", "proven_earlier")
    op.drop_column("sessions", "security_stamp")
