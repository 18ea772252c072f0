"""Texts in which operators search for a part of an address, a name, a client_id or a host."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TRIGRAMS = """
CREATE FUNCTION signet_trigrams(searched text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT substr(searched, start, 3)), '{}')
  FROM generate_series(1, length(searched) - 2) AS start
$$
"""
FTS5 = (
    """
    CREATE VIRTUAL TABLE {table}_fts USING fts5
    (text, content='{table}', content_rowid='place', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')
    """,
    "CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {add}; END",
    "CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {remove}; END",
    "CREATE TRIGGER {table}_updated AFTER UPDATE ON {table} BEGIN {remove}; {add}; END",
)
ADD = "INSERT INTO {table}_fts(rowid, text) VALUES (new.place, new.text)"
REMOVE = "INSERT INTO {table}_fts({table}_fts, rowid, text) VALUES ('delete', old.place, old.text)"

TABLES = {
    "user_search_texts": ("users.id", sa.Uuid(as_uuid=False)),
    "client_search_texts": ("clients.client_id", sa.String(128)),
}


def upgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    # First, because it commits what comes before it: a killed run begins again.
    domain = sa.text("split_part(normal, '@', 2)" if on_postgresql else "substr(normal, instr(normal, '@') + 1)")
    with op.get_context().autocommit_block():
        op.drop_index("ix_email_addresses_domain", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            "ix_email_addresses_domain", "email_addresses", [domain, "normal", "user_id"], postgresql_concurrently=True
        )
    if on_postgresql:
        op.execute(TRIGRAMS)
    for table, (owner, kind) in TABLES.items():
        op.create_table(
            table,
            sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False),
            sa.Column("owner", kind, nullable=False),
            sa.Column("text", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
            sa.PrimaryKeyConstraint("place", name=op.f(f"pk_{table}")),
            sa.ForeignKeyConstraint(
                ["owner"], [owner], name=op.f(f"fk_{table}_owner_{owner.partition('.')[0]}"), ondelete="CASCADE"
            ),
            sa.UniqueConstraint("owner", name=op.f(f"uq_{table}_owner")),
        )
        if on_postgresql:
            trigrams = sa.text("signet_trigrams(text)")
            op.create_index(
                f"ix_{table}_trigrams",
                table,
                [trigrams],
                postgresql_using="gin",
                postgresql_with={"fastupdate": "off"},
            )
        else:
            for statement in FTS5:
                parts = {"add": ADD.format(table=table), "remove": REMOVE.format(table=table)}
                op.execute(statement.format(table=table, **parts))


def downgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    op.drop_index("ix_email_addresses_domain", table_name="email_addresses")
    for table in TABLES:
        op.drop_table(table)
        if not on_postgresql:
            op.execute(f"DROP TABLE {table}_fts")
    if on_postgresql:
        op.execute("DROP FUNCTION signet_trigrams(text)")
