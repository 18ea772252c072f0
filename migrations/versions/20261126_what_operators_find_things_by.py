"""What operators find people and clients by, and how often things happened."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

AT_ONCE = 500
KEY = sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")

users = sa.table("users", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("claims", sa.JSON))
addresses = sa.table("email_addresses", sa.column("user_id", sa.Uuid(as_uuid=False)), sa.column("normal", sa.String))
clients = sa.table("clients", sa.column("client_id", sa.String), sa.column("metadata", sa.JSON), sa.column("name_key"))
keys = sa.table("search_keys", sa.column("key", sa.String), sa.column("user_id", sa.Uuid(as_uuid=False)))


def upgrade() -> None:
    op.create_table(
        "hourly_counts",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name", name=op.f("pk_hourly_counts")),
    )
    op.create_table(
        "search_keys",
        sa.Column("key", KEY, nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_search_keys_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "user_id", name=op.f("pk_search_keys")),
    )
    op.create_index(op.f("ix_search_keys_user_id"), "search_keys", ["user_id"])
    op.add_column("clients", sa.Column("name_key", KEY, nullable=False, server_default=""))
    op.create_index("ix_clients_name_key_client_id", "clients", ["name_key", "client_id"])
    if not op.get_context().as_sql:
        fill(op.get_bind())


def fill(db: sa.Connection) -> None:
    """With what is there: the rest is written with the rows themselves."""
    after = None
    while page := db.execute(following(users.c.id, after, users.c.claims)).all():
        after = page[-1].id
        claims = {row.id: row.claims or {} for row in page}
        found = {
            (compared(name), user_id) for user_id, said in claims.items() for name in beginnings(said) if compared(name)
        }
        held = sa.select(addresses.c.user_id, addresses.c.normal).where(addresses.c.user_id.in_(claims))
        found |= {(compared(normal), user_id) for user_id, normal in db.execute(held)}
        if found:
            db.execute(sa.insert(keys), [{"key": key, "user_id": user_id} for key, user_id in sorted(found)])
    after = None
    while page := db.execute(following(clients.c.client_id, after, clients.c.metadata)).all():
        after = page[-1].client_id
        for row in page:
            name_key = compared(row.metadata.get("client_name", ""))
            db.execute(sa.update(clients).where(clients.c.client_id == row.client_id).values(name_key=name_key))


def following(identifier: sa.ColumnClause, after: str | None, values: sa.ColumnClause) -> sa.Select:
    query = sa.select(identifier, values).order_by(identifier).limit(AT_ONCE)
    return query if after is None else query.where(identifier > after)


def beginnings(claims: dict) -> list[str]:
    said = [compared(str(claims.get(claim, ""))).split()[:8] for claim in ("name", "preferred_username", "nickname")]
    return [" ".join(words[place:]) for words in said for place in range(len(words))]


def compared(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.casefold().split()))[:254]


def downgrade() -> None:
    op.drop_index("ix_clients_name_key_client_id", table_name="clients")
    with op.batch_alter_table("clients") as table:
        table.drop_column("name_key")
    op.drop_table("search_keys")
    op.drop_table("hourly_counts")
