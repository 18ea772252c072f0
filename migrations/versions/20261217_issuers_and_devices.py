"""The trusted issuers that grants and clients depend on, since when each is trusted, and what devices ask for in detail
(RFC 9396).
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

COLUMNS = {
    "clients": {"assertion_issuer": sa.String(255), "assertion_issuer_since": sa.DateTime(timezone=True)},
    "device_codes": {"authorization_details": sa.JSON()},
    "grants": {"assertion_issuer": sa.String(255)},
    "trusted_issuers": {"enabled_at": sa.DateTime(timezone=True)},
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
