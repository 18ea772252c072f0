"""Upstream providers that operators save, next to those in the file, and the roles that upstreams give."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upstreams",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstreams")),
    )
    op.create_index("ix_upstreams_key", "upstreams", ["key"], unique=True)
    op.create_table(
        "granted_roles",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("role", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_granted_roles_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "issuer", "role", name=op.f("pk_granted_roles")),
    )


def downgrade() -> None:
    op.drop_table("granted_roles")
    op.drop_table("upstreams")
