"""What the lists of sessions are sorted by, and what the audit log is filtered by."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_sessions_last_seen_id": ("sessions", ["last_seen", "id"]),
    "ix_sessions_auth_time_id": ("sessions", ["auth_time", "id"]),
    "ix_sessions_amr": ("sessions", ["amr"]),
    "ix_audit_events_network_at": ("audit_events", ["network", "at"]),
}
OPERATORS = {"postgresql": "(details ->> 'operator')", "sqlite": "json_extract(details, '$.operator')"}


def upgrade() -> None:
    operator = OPERATORS[op.get_context().dialect.name]
    with op.get_context().autocommit_block():  # requests do not wait; a killed run begins again
        for name, (table, columns) in INDEXES.items():
            op.drop_index(name, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True)
        op.drop_index("ix_audit_events_operator_at", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_audit_events_operator_at",
            "audit_events",
            [sa.text(operator), "at"],
            postgresql_where=sa.text(f"{operator} IS NOT NULL"),
            sqlite_where=sa.text(f"{operator} IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_audit_events_operator_at", table_name="audit_events")
    for name, (table, _columns) in INDEXES.items():
        op.drop_index(name, table_name=table)
