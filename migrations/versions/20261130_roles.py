"""The roles that there are, with descriptions, and the users of each."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
VALUES = {"postgresql": "json_array_elements_text(users.roles)", "sqlite": "json_each(users.roles)"}
EMPTY = {"postgresql": "users.roles::text", "sqlite": "users.roles"}


def upgrade() -> None:
    op.create_table(
        "roles",
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_roles")),
    )
    op.create_table(
        "user_roles",
        sa.Column("role", NAME, nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_roles_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role", "user_id", name=op.f("pk_user_roles")),
    )
    op.create_index(op.f("ix_user_roles_user_id"), "user_roles", ["user_id"])
    # The role of a user that the previous release changes from now on is found when it changes again.
    dialect = op.get_context().dialect.name
    op.execute(
        "INSERT INTO user_roles (role, user_id) SELECT DISTINCT each.value, users.id "
        f"FROM users, {VALUES[dialect]} AS each{'(value)' if dialect == 'postgresql' else ''} "
        f"WHERE {EMPTY[dialect]} <> '[]' AND length(each.value) BETWEEN 1 AND 200"
    )
    op.execute(
        "INSERT INTO roles (name, description, created_at) SELECT DISTINCT role, '', CURRENT_TIMESTAMP FROM user_roles"
    )


def downgrade() -> None:
    op.drop_table("user_roles")
    op.drop_table("roles")
