"""The DPoP proofs that were used, kept for as long as each could be used again (RFC 9449 section 11.1)."""

from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, bindparam, delete, select, text

from provider.database.base import metadata
from provider.database.prepared import Prepared
from provider.database.types import Digest, UtcTime

used_proofs = Table(
    "used_proofs",
    metadata,
    Column("digest", Digest, primary_key=True),  # of the key and the `jti`
    Column("expires_at", UtcTime, nullable=False),  # from then on the proof is refused for its age
    Index("ix_used_proofs_expires_at", "expires_at"),
)
_SPEND = Prepared(
    text(
        "INSERT INTO used_proofs (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT DO NOTHING"
    ).bindparams(bindparam("digest", type_=Digest), bindparam("expires_at", type_=UtcTime))
)


def spend(db: Connection, digest: bytes, *, expires_at: datetime) -> bool:
    """Use a proof. Returns False if it was used before."""
    return _SPEND.change(db, {"digest": digest, "expires_at": expires_at}) == 1


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = select(used_proofs.c.digest).where(used_proofs.c.expires_at < before).limit(limit)
    return db.execute(delete(used_proofs).where(used_proofs.c.digest.in_(old))).rowcount
