"""When each user last signed in, for the list of users."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

AT_ONCE = 1000
NEVER = {"postgresql": "1970-01-01 00:00:00+00", "sqlite": "1970-01-01 00:00:00.000000"}

users = sa.table("users", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("last_sign_in_at"))
events = sa.table(
    "audit_events", sa.column("user_id", sa.Uuid(as_uuid=False)), sa.column("name", sa.String), sa.column("at")
)


def upgrade() -> None:
    context = op.get_context()
    # What follows commits as it goes: a run that was killed meanwhile left the column.
    if context.as_sql or "last_sign_in_at" not in {
        each["name"] for each in sa.inspect(op.get_bind()).get_columns("users")
    }:
        at = sa.DateTime(timezone=True)
        never = NEVER[context.dialect.name]
        op.add_column("users", sa.Column("last_sign_in_at", at, nullable=False, server_default=never))
    with context.autocommit_block():
        if not context.as_sql:
            fill(op.get_bind())
        op.drop_index("ix_users_last_sign_in_at_id", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_users_last_sign_in_at_id", "users", ["last_sign_in_at", "id"], postgresql_concurrently=True)


def fill(db: sa.Connection) -> None:
    """Take the times from the audit log, of users who signed in before this column existed.

    In steps: a request waits for one of them at most.
    """
    signed_in = (events.c.user_id == users.c.id, events.c.name == "session.signed_in")
    last = sa.select(sa.func.max(events.c.at)).where(*signed_in).scalar_subquery()
    ids = sa.select(users.c.id).order_by(users.c.id).limit(AT_ONCE)
    page = db.scalars(ids).all()
    while page:
        there = users.c.id.in_(page)
        db.execute(sa.update(users).where(there, sa.exists().where(*signed_in)).values(last_sign_in_at=last))
        page = db.scalars(ids.where(users.c.id > page[-1])).all()


def downgrade() -> None:
    op.drop_index("ix_users_last_sign_in_at_id", table_name="users")
    with op.batch_alter_table("users") as table:
        table.drop_column("last_sign_in_at")
