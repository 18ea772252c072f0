"""Changes of email addresses: what address a link leads to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_changes",
        sa.Column("link_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("normal", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["one_time_links.id"], name=op.f("fk_email_changes_link_id_one_time_links"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_email_changes")),
    )


def downgrade() -> None:
    op.drop_table("email_changes")
