"""What decides whether an access token is active, read in one statement: its grant, or the client that it acts for."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, String, bindparam, or_

from provider.database.rows import Rows, joined_as
from provider.database.types import UtcTime
from provider.oauth.clients.store.clients import is_enabled
from provider.oauth.tokens.store.assertions import may_act
from provider.oauth.tokens.store.grants import GRANT, STATE, Grant, GrantState, grants, join_state
from provider.oauth.tokens.store.people import PERSON, Person, join_address
from provider.oauth.tokens.store.revoked_access_tokens import IS_REVOKED


class Found(NamedTuple):
    """The grant of an access token."""

    grant: Grant
    state: GrantState
    is_revoked: bool
    """Whether this one token was revoked."""
    is_caller_enabled: bool
    """Whether the client that asks about the token is enabled. True if none asks."""
    person: Person | None = None
    """The user, if asked for."""


class OwnTokenState(NamedTuple):
    """The state of a token that a client got for itself."""

    is_revoked: bool
    may_act: bool
    """Whether the client is enabled and has been authenticated by a trusted issuer since the token was issued."""
    is_caller_enabled: bool
    """Whether the client that asks about the token is enabled. True if none asks."""


_caller = bindparam("caller", type_=String)
_IS_CALLER_ENABLED = or_(_caller.is_(None), is_enabled(_caller))
_FOUND = joined_as(Found, grant=GRANT, state=STATE, is_revoked=IS_REVOKED, is_caller_enabled=_IS_CALLER_ENABLED)
_WITH_PERSON = joined_as(
    Found, grant=GRANT, state=STATE, is_revoked=IS_REVOKED, is_caller_enabled=_IS_CALLER_ENABLED, person=PERSON
)
_OWN = joined_as(
    OwnTokenState,
    is_revoked=IS_REVOKED,
    may_act=may_act(bindparam("client_id", type_=String), bindparam("issued", type_=UtcTime)),
    is_caller_enabled=_IS_CALLER_ENABLED,
)


def _query(rows: Rows[Found], source: Any) -> Any:
    return rows.select().select_from(source).where(grants.c.id == bindparam("grant_id"))


_FIND = _FOUND.prepare(_query(_FOUND, join_state(grants)))
_FIND_WITH_PERSON = _WITH_PERSON.prepare(_query(_WITH_PERSON, join_address(join_state(grants))))
_FIND_OWN = _OWN.prepare(_OWN.select())


def find(
    db: Connection, grant_id: str, *, jti: str | None = None, caller: str | None = None, with_person: bool = False
) -> Found | None:
    """Return the grant of the access token `jti`, or None if there is no such grant.

    `caller` is the client_id of the client that asks about the token.
    """
    query = _FIND_WITH_PERSON if with_person else _FIND
    return query.one(db, {"grant_id": grant_id, "jti": jti, "caller": caller})


def find_own(db: Connection, jti: str, *, client_id: str, issued: datetime, caller: str | None) -> OwnTokenState:
    """Return the state of the access token `jti`, which a client got for itself at the time `issued`."""
    found = _FIND_OWN.one(db, {"jti": jti, "client_id": client_id, "issued": issued, "caller": caller})
    assert found is not None  # noqa: S101  # it reads no table whose rows could be missing
    return found
