"""The DPoP proofs that were used, kept for as long as each could be used again (RFC 9449 section 11.1)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, bindparam, column, delete, select, text

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
_INSERT = (
    "INSERT INTO used_proofs (digest, expires_at) VALUES (:proof_digest, :proof_expires_at) ON CONFLICT DO NOTHING"
)
_BINDS = (bindparam("proof_digest", type_=Digest), bindparam("proof_expires_at", type_=UtcTime))
_SPEND = Prepared(text(_INSERT).bindparams(*_BINDS))
SPENT = text(f"{_INSERT} RETURNING digest").bindparams(*_BINDS).columns(column("digest", Digest)).cte("spent")
"""Part of a PostgreSQL statement that spends a proof together with what it proves. It has a row if the proof is new."""


@dataclass
class Proof:
    """A DPoP proof that was checked, except for whether it was used before."""

    digest: bytes
    expires_at: datetime
    is_spent: bool = False
    """Whether that was checked too, so that it cannot be used again."""


def spend(db: Connection, proof: Proof) -> bool:
    """Use a proof. Returns False if it was used before."""
    return _SPEND.change(db, bind_proof(proof)) == 1


def bind_proof(proof: Proof) -> dict[str, object]:
    """Return the values that SPENT binds."""
    return {"proof_digest": proof.digest, "proof_expires_at": proof.expires_at}


def remove(db: Connection, digests: Collection[bytes]) -> None:
    """Delete the proofs with these digests."""
    db.execute(delete(used_proofs).where(used_proofs.c.digest.in_(digests)))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    old = (
        select(used_proofs.c.digest)
        .where(used_proofs.c.expires_at < before)
        .order_by(used_proofs.c.expires_at)
        .limit(limit)
    )
    return db.execute(delete(used_proofs).where(used_proofs.c.digest.in_(old))).rowcount
