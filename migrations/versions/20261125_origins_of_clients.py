"""The origins of clients' pages. Those of clients registered before are filled in; printed as SQL it fills in nothing,
and `signet client update CLIENT_ID` does.
"""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    client_origins = op.create_table(
        "client_origins",
        sa.Column("origin", sa.String(length=2000), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.client_id"], name=op.f("fk_client_origins_client_id_clients"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("origin", "client_id", name=op.f("pk_client_origins")),
    )
    with op.batch_alter_table("client_origins", schema=None) as batch_op:
        batch_op.create_index("ix_client_origins_client_id", ["client_id"], unique=False)
    if op.get_context().as_sql:
        return
    clients = sa.table("clients", sa.column("client_id"), sa.column("metadata", sa.JSON))
    rows = [
        {"origin": origin, "client_id": client_id}
        for client_id, metadata in op.get_bind().execute(sa.select(clients)).all()
        for origin in sorted(filter(None, map(_origin, metadata.get("redirect_uris", ()))))
    ]
    op.bulk_insert(client_origins, list({tuple(row.values()): row for row in rows}.values()))


def _origin(uri: str) -> str | None:
    parts = urlsplit(uri)
    port = {"http": 80, "https": 443}.get(parts.scheme)
    if port is None or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in {None, port} else f":{parts.port}")


def downgrade() -> None:
    with op.batch_alter_table("client_origins", schema=None) as batch_op:
        batch_op.drop_index("ix_client_origins_client_id")

    op.drop_table("client_origins")
