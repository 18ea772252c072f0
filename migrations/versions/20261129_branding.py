"""The branding that operators save in the console."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "branding",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=True),
        sa.Column("brand_logo", sa.LargeBinary(), nullable=True),
        sa.Column("brand_logo_dark", sa.LargeBinary(), nullable=True),
        sa.Column("brand_accent", sa.String(length=7), nullable=True),
        sa.Column("brand_accent_dark", sa.String(length=7), nullable=True),
        sa.Column("brand_paper", sa.String(length=7), nullable=True),
        sa.Column("brand_paper_dark", sa.String(length=7), nullable=True),
        sa.Column("support_email", sa.String(length=254), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branding")),
    )


def downgrade() -> None:
    op.drop_table("branding")
