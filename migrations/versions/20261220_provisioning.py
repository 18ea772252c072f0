"""Users and groups pushed to the SCIM services of apps: the connections, and what is known of each user and group."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def _time(name: str, *, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "provisionings",
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("base_url", sa.String(2000), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("members_of", sa.JSON(), nullable=False),
        sa.Column("push_groups", sa.JSON(), nullable=False),
        sa.Column("on_deletion", sa.String(10), nullable=False),
        sa.Column("with_attributes", sa.Boolean(), nullable=False),
        _time("created_at", nullable=False),
        _time("updated_at", nullable=False),
        _time("disabled_at"),
        _time("stopped_at"),
        sa.Column("error", sa.String(300)),
        sa.Column("failures", sa.Integer(), nullable=False),
        _time("retry_at"),
        sa.Column("scan", sa.String(10), nullable=False),
        sa.Column("scan_place", sa.JSON(none_as_null=True)),
        _time("scan_started_at"),
        _time("scan_finished_at"),
        sa.Column("scanned", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_provisionings_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_provisionings")),
    )
    op.create_table(
        "provisioned_resources",
        sa.Column("client_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("tried", sa.Boolean(), nullable=False),
        sa.Column("remote_id", sa.String(250)),
        sa.Column("version", sa.String(250)),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("next_at", nullable=False),
        _time("claimed_until"),
        sa.Column("error", sa.String(300)),
        _time("changed_at", nullable=False),
        _time("succeeded_at"),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["provisionings.client_id"],
            name=op.f("fk_provisioned_resources_client_id_provisionings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "kind", "key", name=op.f("pk_provisioned_resources")),
    )
    columns = ["client_id", "state", "next_at"]
    op.create_index("ix_provisioned_resources_client_id_state_next_at", "provisioned_resources", columns)
    op.create_index("ix_provisioned_resources_key", "provisioned_resources", ["key"])


def downgrade() -> None:
    op.drop_table("provisioned_resources")
    op.drop_table("provisionings")
