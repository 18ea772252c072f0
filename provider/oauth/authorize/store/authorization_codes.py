"""Authorization codes by digest: the grant of each, and when it was redeemed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Insert,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from provider.database.base import metadata
from provider.database.dialect import is_postgresql
from provider.database.prepared import Prepared
from provider.database.rows import Rows, joined_as, rows_of, values_of
from provider.database.types import Digest, Identifier, UtcTime
from provider.oauth.authorize.store import approved_grants
from provider.oauth.tokens.store import grants, refresh_tokens
from provider.oauth.tokens.store.grants import GRANT, STATE, Grant, join_state
from provider.oauth.tokens.store.people import PERSON, join_address
from provider.oauth.tokens.store.presented import Presented
from provider.oauth.tokens.store.refresh_tokens import RefreshToken

MOST_ATTEMPTS = 5
"""The number of wrong verifiers or redirect URIs after which a code is invalid."""

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("grant_id", Identifier, ForeignKey("grants.id", ondelete="CASCADE"), nullable=False),
    Column("redirect_uri", String(2000), nullable=False),
    Column("redirect_uri_given", Boolean, nullable=False),
    Column("code_challenge", String(128)),
    Column("nonce", String(2000)),
    Column("expires_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("spent_at", UtcTime),
    Column("confirmation", String(64)),  # the key it is bound to (RFC 9449 section 10)
    Index("ix_authorization_codes_grant_id", "grant_id"),
    Index("ix_authorization_codes_expires_at", "expires_at"),
)


@dataclass(frozen=True)
class AuthorizationCode:
    digest: bytes
    grant_id: str
    redirect_uri: str
    redirect_uri_given: bool
    code_challenge: str | None
    nonce: str | None
    expires_at: datetime
    attempts: int
    spent_at: datetime | None
    confirmation: str | None = None


_CODE = rows_of(AuthorizationCode, authorization_codes)
_PRESENTED: Rows[Presented[AuthorizationCode]] = joined_as(
    Presented, row=_CODE, grant=GRANT, state=STATE, person=PERSON
)
_with_grant = authorization_codes.join(grants.grants, grants.grants.c.id == authorization_codes.c.grant_id)
_FIND = _PRESENTED.prepare(
    _PRESENTED.select()
    .select_from(join_address(join_state(_with_grant)))
    .where(authorization_codes.c.digest == bindparam("digest"))
)
_SPEND = (
    update(authorization_codes)
    .where(
        authorization_codes.c.digest == bindparam("code_digest"),
        authorization_codes.c.spent_at.is_(None),
        authorization_codes.c.attempts < MOST_ATTEMPTS,
    )
    .values(spent_at=bindparam("now"))
)


_SPEND_ALONE = Prepared(_SPEND)
_REDEEM_AT_ONCE = refresh_tokens.insert_after(_SPEND.returning(authorization_codes.c.grant_id))
_INSERT = Prepared(insert(authorization_codes))


def add(db: Connection, code: AuthorizationCode, grant: Grant, *, needs_consent: bool) -> bool:
    """Store a code and its grant. Returns False as `approved_grants.add` does."""
    if is_postgresql(db):
        values = {f"c_{name}": value for name, value in values_of(code).items()}
        return _ADD_AT_ONCE[needs_consent].change(db, {**approved_grants.bind_grant(grant), **values}) == 1
    if not approved_grants.add(db, grant, needs_consent=needs_consent):
        return False
    _INSERT.change(db, values_of(code))
    return True


def _insert_at_once(*, needs_consent: bool) -> Insert:
    new = approved_grants.insert_approved(needs_consent=needs_consent).returning(grants.grants.c.id).cte("new_grant")
    values = {column.name: bindparam(f"c_{column.name}", type_=column.type) for column in authorization_codes.c}
    return insert(authorization_codes).from_select(list(values), select(*values.values()).select_from(new))


_ADD_AT_ONCE = {one: Prepared(_insert_at_once(needs_consent=one)) for one in (False, True)}


def find(db: Connection, digest: bytes) -> Presented[AuthorizationCode] | None:
    return _FIND.one(db, {"digest": digest})


def spend(db: Connection, digest: bytes, *, now: datetime) -> bool:
    """Mark a code as used; return False if it was used before (RFC 6749 section 4.1.2) or tried too often.

    It is kept, not deleted. A second use must be recognized in order to revoke the tokens from the first one.
    """
    return _SPEND_ALONE.change(db, {"code_digest": digest, "now": now}) == 1


def redeem(db: Connection, digest: bytes, *, refresh_token: RefreshToken | None, now: datetime) -> bool:
    """Spend the code and add the first refresh token of its family. Returns False as `spend` does."""
    if is_postgresql(db) and refresh_token is not None:
        values = {"code_digest": digest, "now": now, **refresh_tokens.bind_new(refresh_token)}
        return _REDEEM_AT_ONCE.change(db, values) == 1
    if not spend(db, digest, now=now):
        return False
    if refresh_token is not None:
        refresh_tokens.add(db, refresh_token)
    return True


def count_attempt(db: Connection, digest: bytes) -> None:
    tried = update(authorization_codes).where(authorization_codes.c.digest == digest)
    db.execute(tried.values(attempts=authorization_codes.c.attempts + 1))


def purge(db: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` codes that expired before `before`, and the grants that are unusable without them; return
    how many codes.
    """
    old = (
        select(authorization_codes.c.digest)
        .where(authorization_codes.c.expires_at < before)
        .order_by(authorization_codes.c.expires_at)
        .limit(limit)
    )
    these = delete(authorization_codes).where(authorization_codes.c.digest.in_(old))
    grant_ids = list(db.scalars(these.returning(authorization_codes.c.grant_id)))
    refresh_tokens.delete_unusable_grants(db, grant_ids, before=before)
    return len(grant_ids)
