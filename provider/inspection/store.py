"""What belongs to a grant or a session, for timelines: codes, refresh tokens, requests and grants."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from provider.database.rows import rows_of
from provider.oauth.authorize.store.authorization_codes import authorization_codes
from provider.oauth.authorize.store.authorization_requests import ParkedRequest, authorization_requests
from provider.oauth.clients.store.client_secrets import client_secrets
from provider.oauth.tokens.store.grants import GRANT, Grant, grants
from provider.oauth.tokens.store.refresh_tokens import refresh_tokens

MOST = 200
"""The most rows of each kind that are read for a timeline."""


@dataclass(frozen=True)
class Redemption:
    """The state of an authorization code, and the grant that came of it."""

    grant_id: str
    spent_at: datetime | None
    attempts: int


@dataclass(frozen=True)
class Generation:
    """One refresh token of a family."""

    grant_id: str
    generation: int
    rotated_at: datetime | None


_PARKED = rows_of(ParkedRequest, authorization_requests)
_CODE = rows_of(Redemption, authorization_codes)
_REFRESH = rows_of(Generation, refresh_tokens)


def find_secret(db: Connection, digest: bytes) -> tuple[str, datetime | None] | None:
    """Return the client with this secret of usual length, and when the secret expires or expired."""
    query = select(client_secrets.c.client_id, client_secrets.c.expires_at)
    row = db.execute(query.where(client_secrets.c.digest == digest, client_secrets.c.is_short.is_(False))).first()
    return None if row is None else (row.client_id, row.expires_at)


def find_parked(db: Connection, digest: bytes) -> ParkedRequest | None:
    """Return a stored authorization request, also one that is finished or expired."""
    return _PARKED.one(db, _PARKED.select().where(authorization_requests.c.digest == digest))


def find_parked_of_session(
    db: Connection, session_id: str, client_ids: Collection[str], *, since: datetime
) -> list[ParkedRequest]:
    """Return the stored requests of these clients for which the user of the session signed in or was chosen."""
    table = authorization_requests
    is_its = or_(table.c.signed_in_session_id == session_id, table.c.chosen_session_id == session_id)
    wanted = (table.c.client_id.in_(client_ids), table.c.created_at >= since, is_its)
    return _PARKED.all(db, _PARKED.select().where(*wanted).order_by(table.c.created_at).limit(MOST))


def find_grants_of_session(db: Connection, session_id: str) -> list[Grant]:
    query = GRANT.select().where(grants.c.session_id == session_id)
    return GRANT.all(db, query.order_by(grants.c.created_at.desc()).limit(MOST))


def find_grant(db: Connection, grant_id: str) -> Grant | None:
    return GRANT.one(db, GRANT.select().where(grants.c.id == grant_id))


def find_redemptions(db: Connection, grant_ids: Collection[str]) -> list[Redemption]:
    query = _CODE.select().where(authorization_codes.c.grant_id.in_(grant_ids))
    return _CODE.all(db, query.limit(MOST))


def find_generations(db: Connection, grant_ids: Collection[str]) -> list[Generation]:
    """Return the latest refresh tokens of these families, the latest first."""
    query = _REFRESH.select().where(refresh_tokens.c.grant_id.in_(grant_ids))
    return _REFRESH.all(db, query.order_by(refresh_tokens.c.generation.desc()).limit(MOST))
