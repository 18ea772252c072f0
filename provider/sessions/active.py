"""Active sessions: those that count now, because their user does too, with what the user's roles require of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, column, func, select, table, union_all

from provider.database.rows import rows_of
from provider.database.security_stamp import has_same_stamp, stamp_column
from provider.database.types import UtcTime
from provider.sessions.store import ACTIVE_USER, IdleSince, Session, is_used, sessions


@dataclass(frozen=True)
class ActiveSession(Session):
    """A session that was active when it was read, whose user was active too."""

    required_factor: str | None = None
    """The strictest `required_factor` of the user's roles, also of those of groups, or None if none requires one."""


# A session counts only while its user does: active, and with the same security stamp. The tables of users and roles are
# accounts' and sit above this one, so they are named here without an import.
_users = table("users", column("id"), column("status"), column("not_before", UtcTime()))
_roles = table("roles", column("name"), column("required_factor", String()))
_user_roles = table("user_roles", column("role"), column("user_id"))
_group_roles = table("group_roles", column("role"), column("group_name"))
_members = table("group_members", column("group_name"), column("user_id"))
_nested = table("nested_groups", column("group_name"), column("contained"))
_is_mine = _members.c.user_id == sessions.c.user_id
_roles_of_user = union_all(
    select(_user_roles.c.role).where(_user_roles.c.user_id == sessions.c.user_id).correlate(sessions),
    select(_group_roles.c.role)
    .join(_members, _members.c.group_name == _group_roles.c.group_name)
    .where(_is_mine)
    .correlate(sessions),
    select(_group_roles.c.role)
    .join(_nested, _nested.c.group_name == _group_roles.c.group_name)
    .join(_members, _members.c.group_name == _nested.c.contained)
    .where(_is_mine)
    .correlate(sessions),
)
# Of an active session of an earlier release, the stamp is its user's: what begins in it keeps that.
_ACTIVE_SESSION = rows_of(
    ActiveSession,
    sessions,
    security_stamp=func.coalesce(sessions.c.security_stamp, stamp_column(_users.c.not_before)),
    required_factor=select(func.min(_roles.c.required_factor))  # of two, "passkey" is the stricter and the first
    .where(_roles.c.required_factor.is_not(None), _roles.c.name.in_(_roles_of_user))
    .correlate(sessions)
    .scalar_subquery()
    .label("required_factor"),
)
_ACTIVE = (
    _ACTIVE_SESSION.select()
    .join(_users, _users.c.id == sessions.c.user_id)
    .where(
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > bindparam("now"),
        is_used(bindparam("usual"), bindparam("kept")),
        _users.c.status == ACTIVE_USER,
        has_same_stamp(
            sessions.c.security_stamp,
            _users.c.not_before,
            otherwise=sessions.c.auth_time >= stamp_column(_users.c.not_before),
        ),
    )
)
_BY_DIGEST = _ACTIVE_SESSION.prepare(_ACTIVE.where(sessions.c.digest == bindparam("digest")))


def find_active(db: Connection, digest: bytes, *, now: datetime, idle_since: IdleSince) -> ActiveSession | None:
    """Return the active session with this cookie digest, if its user is active too."""
    usual, kept = idle_since
    return _BY_DIGEST.one(db, {"digest": digest, "now": now, "usual": usual, "kept": kept})


def find_all_active(
    db: Connection, digests: Collection[bytes], *, now: datetime, idle_since: IdleSince
) -> list[ActiveSession]:
    """Return the active sessions with these cookie digests whose users are active too."""
    given = {"now": now, "digests": list(digests), **idle_since._asdict()}
    return _ACTIVE_SESSION.all(db, _ACTIVE.where(sessions.c.digest.in_(bindparam("digests", expanding=True))), given)
