"""Claims that operators map from attributes, groups, roles, constants and expressions."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

NAME = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "claim_mappings",
        sa.Column("name", NAME, nullable=False),
        sa.Column("claim", sa.String(200), nullable=False),
        sa.Column("client_id", sa.String(128)),
        sa.Column("scope", sa.String(100)),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("attribute", sa.String(64)),
        sa.Column("value", sa.Text()),
        sa.Column("expression", sa.String(1000)),
        sa.Column("prefix", sa.String(200), nullable=False),
        sa.Column("strip_prefix", sa.Boolean(), nullable=False),
        sa.Column("only", sa.JSON()),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_claim_mappings")),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.client_id"],
            name=op.f("fk_claim_mappings_client_id_clients"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_claim_mappings_client_id", "claim_mappings", ["client_id"])
    op.create_table(
        "claim_mapping_attributes",
        sa.Column("attribute", NAME, nullable=False),
        sa.Column("mapping", NAME, nullable=False),
        sa.PrimaryKeyConstraint("attribute", "mapping", name=op.f("pk_claim_mapping_attributes")),
        sa.ForeignKeyConstraint(
            ["mapping"],
            ["claim_mappings.name"],
            name=op.f("fk_claim_mapping_attributes_mapping_claim_mappings"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_claim_mapping_attributes_mapping", "claim_mapping_attributes", ["mapping"])


def downgrade() -> None:
    op.drop_table("claim_mapping_attributes")
    op.drop_table("claim_mappings")
