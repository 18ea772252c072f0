"""When each user last signed in, for the list of users."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NEVER = {"postgresql": "1970-01-01 00:00:00+00", "sqlite": "1970-01-01 00:00:00.000000"}

users = sa.table("users", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("last_sign_in_at"))
events = sa.table(
    "audit_events", sa.column("user_id", sa.Uuid(as_uuid=False)), sa.column("name", sa.String), sa.column("at")
)


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    op.add_column(
        "users",
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=False, server_default=NEVER[dialect]),
    )
    if not op.get_context().as_sql:
        fill(op.get_bind())
    with op.get_context().autocommit_block():
        op.drop_index("ix_users_last_sign_in_at_id", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_last_sign_in_at_id", "users", ["last_sign_in_at", "id"], postgresql_concurrently=True)


def fill(db: sa.Connection) -> None:
    """Take the times from the audit log, of users who signed in before this column existed."""
    signed_in = (events.c.user_id == users.c.id, events.c.name == "session.signed_in")
    last = sa.select(sa.func.max(events.c.at)).where(*signed_in).scalar_subquery()
    db.execute(sa.update(users).where(sa.exists().where(*signed_in)).values(last_sign_in_at=last))


def downgrade() -> None:
    op.drop_index("ix_users_last_sign_in_at_id", table_name="users")
    with op.batch_alter_table("users") as table:
        table.drop_column("last_sign_in_at")
