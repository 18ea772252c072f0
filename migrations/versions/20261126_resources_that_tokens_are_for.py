"""The APIs that access tokens can be for, and those a grant was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_resources",
        sa.Column("identifier", sa.String(length=512), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_api_resources_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_api_resources")),
    )
    with op.batch_alter_table("api_resources", schema=None) as batch_op:
        batch_op.create_index("ix_api_resources_client_id", ["client_id"], unique=False)

    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resources", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_column("resources")

    with op.batch_alter_table("api_resources", schema=None) as batch_op:
        batch_op.drop_index("ix_api_resources_client_id")

    op.drop_table("api_resources")
