"""The groups that upstream providers put their users into."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "granted_groups",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("group_name", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_name", "user_id"],
            ["group_members.group_name", "group_members.user_id"],
            name=op.f("fk_granted_groups_group_name_group_members"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "issuer", "group_name", name=op.f("pk_granted_groups")),
    )


def downgrade() -> None:
    op.drop_table("granted_groups")
