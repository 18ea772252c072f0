"""Descriptions of the scopes of APIs."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_scopes",
        sa.Column("scope", sa.String(length=256), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_api_scopes_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scope", "client_id", name=op.f("pk_api_scopes")),
    )
    op.create_index("ix_api_scopes_client_id", "api_scopes", ["client_id"])


def downgrade() -> None:
    op.drop_table("api_scopes")
