"""Monthly partitions of the audit log, of rejected requests and of the outbox, on PostgreSQL."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# Table -> its key, the time that its months are of, and its indexes.
TABLES = {
    "audit_events": (
        "id",
        "at",
        {
            "ix_audit_events_at": "(at)",
            "ix_audit_events_user_id_at": "(user_id, at)",
            "ix_audit_events_client_id_at": "(client_id, at)",
            "ix_audit_events_name_at": "(name, at)",
            "ix_audit_events_network_at": "(network, at)",
            "ix_audit_events_operator_at": (
                "((details ->> 'operator'), at) WHERE (details ->> 'operator') IS NOT NULL"
            ),
        },
    ),
    "refusals": ("error_id", "at", {"ix_refusals_at": "(at)"}),
    "outbox": ("id", "created_at", {"ix_outbox_state_next_at": "(state, next_at)"}),
}
ALL = ", ".join(TABLES)
MONTHS_AHEAD = 4

# What exists becomes the first partition. Without a proof that all of its rows are from before `until`, PostgreSQL
# would read the table while it is locked. That is at least a month ahead: rows are still added, also if this run is
# killed and the next one comes late.
PROVE = """
DO $$
DECLARE until timestamptz;
BEGIN
  SELECT date_trunc('month', greatest(max({time}), now() + interval '1 month'), 'UTC') INTO until FROM {table};
  until := (until AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
  EXECUTE 'ALTER TABLE {table} ADD CONSTRAINT ck_{table}_earlier CHECK ({time} < '
    || quote_literal(until) || ') NOT VALID';
END $$
"""
ATTACH = """
DO $$
DECLARE
  until timestamptz;
  after timestamptz;
BEGIN
  SELECT substring(pg_get_constraintdef(oid) from '''([^'']+)''') INTO until
    FROM pg_constraint WHERE conname = 'ck_{table}_earlier' AND conrelid = '{table}_earlier'::regclass;
  EXECUTE 'ALTER TABLE {table} ATTACH PARTITION {table}_earlier FOR VALUES FROM (MINVALUE) TO ('
    || quote_literal(until) || ')';
  FOR month IN 1..{months} LOOP
    after := (until AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    EXECUTE 'CREATE TABLE {table}_' || to_char(until AT TIME ZONE 'UTC', 'YYYY_MM')
      || ' PARTITION OF {table} FOR VALUES FROM (' || quote_literal(until) || ') TO (' || quote_literal(after) || ')';
    until := after;
  END LOOP;
END $$
"""


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    # Beside requests, one statement after the other; a killed run begins again. Only then are the tables locked.
    with op.get_context().autocommit_block():
        for table, (key, time, _indexes) in TABLES.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_earlier")
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS pk_{table}_earlier")
            op.execute(f"CREATE UNIQUE INDEX CONCURRENTLY pk_{table}_earlier ON {table} ({key}, {time})")
        for table, (_key, time, _indexes) in TABLES.items():
            op.execute(PROVE.format(table=table, time=time))
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_earlier")
    op.execute("SET LOCAL lock_timeout = '1s'")  # of each table, and requests wait for all three meanwhile
    op.execute(f"LOCK TABLE {ALL} IN ACCESS EXCLUSIVE MODE")
    for table, (key, time, indexes) in TABLES.items():
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_earlier")
        op.execute(f"ALTER TABLE {table}_earlier DROP CONSTRAINT pk_{table}")
        op.execute(
            f"ALTER TABLE {table}_earlier ADD CONSTRAINT pk_{table}_earlier PRIMARY KEY USING INDEX pk_{table}_earlier"
        )
        op.execute(f"CREATE TABLE {table} (LIKE {table}_earlier INCLUDING DEFAULTS) PARTITION BY RANGE ({time})")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key}, {time})")
        for index, columns in indexes.items():
            op.execute(f"ALTER INDEX {index} RENAME TO {index}_earlier")
            op.execute(f"CREATE INDEX {index} ON {table} {columns}")  # takes in the one of the first partition
        op.execute(ATTACH.format(table=table, months=MONTHS_AHEAD))
        op.execute(f"ALTER TABLE {table}_earlier DROP CONSTRAINT ck_{table}_earlier")
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute(f"LOCK TABLE {ALL} IN ACCESS EXCLUSIVE MODE")
    for table, (key, _time, indexes) in TABLES.items():
        op.execute(f"CREATE TABLE {table}_whole (LIKE {table} INCLUDING DEFAULTS)")
        op.execute(f"INSERT INTO {table}_whole SELECT * FROM {table}")
        op.execute(f"DROP TABLE {table}")
        op.execute(f"ALTER TABLE {table}_whole RENAME TO {table}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY ({key})")
        for index, columns in indexes.items():
            op.execute(f"CREATE INDEX {index} ON {table} {columns}")
