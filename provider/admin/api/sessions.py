"""The sessions of users: list, shorten and end them. Only a sign-in creates a session (decision 36)."""

from dataclasses import replace
from datetime import datetime

from pydantic import Field

from provider.accounts import devices
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody, Moment
from provider.api.callers import Operator
from provider.api.endpoints.sessions import NoSuchSession
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.sessions import all_sessions, lifecycle, store
from provider.sessions.idle import idle_since
from provider.web.call import Call


class Session(Body):
    """An active session."""

    id: str = Field(description="The session's ID (`sid` in tokens).")
    user_id: str = Field(description="The user's ID.")
    created_at: datetime = Field(description="When the session was created.")
    auth_time: datetime = Field(description="When the user last signed in.")
    amr: list[str] = Field(description="The authentication methods used (RFC 8176), for example pwd and otp.")
    last_seen: datetime = Field(description="When the session was last used.")
    expires_at: datetime = Field(description="When the session expires at the latest.")
    network: str = Field(description="The network the session was last used from.")
    user_agent: str = Field(description="The User-Agent header of the browser.")
    kept: bool = Field(description="Whether the user chose to stay signed in after closing the browser.")


class Sessions(Body):
    """Active sessions."""

    sessions: list[Session] = Field(description="The sessions.")


class SessionsOfAll(Sessions):
    """A page of active sessions."""

    next: str | None = Field(None, description=NEXT)


class SessionChange(Body):
    """When to end the session."""

    expires_at: Moment = Field(description="When the session expires. A session can only be shortened.")


SESSION = Resource(lambda call: store.lock(call.work.db, _session(call).id), lambda call: _describe(_session(call)))


@by_operator(needs=Permission.USERS_READ, gives=Sessions, problems=(NoSuchUser,))
def list_sessions(call: Call, _operator: Operator, _body: Body) -> Sessions:
    """List a user's sessions. Active ones are listed; the most recently used comes first."""
    found = devices.find_sessions(call.work, user_id_of(call))
    return Sessions(sessions=[_describe(one) for one in found])


@by_operator(needs=Permission.USERS_READ, gives=SessionsOfAll, asks=PAGED, problems=(InvalidBody,))
def list_all_sessions(call: Call, _operator: Operator, _body: Body) -> SessionsOfAll:
    """List all sessions. Active ones are listed; those that expire last come first."""
    work, page = call.work, query_page(call, "sessions")
    after = None if page.after is None else (datetime.fromisoformat(page.after["expires_at"]), page.after["id"])
    found = all_sessions.find_active_page(
        work.read, now=work.now, idle_since=idle_since(work), after=after, limit=page.limit + 1
    )
    shown, more = found[: page.limit], len(found) > page.limit
    place = {"expires_at": shown[-1].expires_at.isoformat(), "id": shown[-1].id} if more else {}
    return SessionsOfAll(
        sessions=[_describe(one) for one in shown], next=next_of(call, "sessions", **place) if more else None
    )


@by_operator(needs=Permission.USERS_READ, of=SESSION, gives=Session, problems=(NoSuchSession,))
def show_session(call: Call, _operator: Operator, _body: Body) -> Session:
    """Get a session. It must be active."""
    return _describe(_session(call))


@by_operator(needs=Permission.USERS_WRITE, of=SESSION, takes=SessionChange, gives=Session, problems=(NoSuchSession,))
def change_session(call: Call, _operator: Operator, body: SessionChange) -> Session:
    """Shorten a session. It then expires earlier. With a time that is not in the future, it ends now."""
    store.lock(call.work.db, _session(call).id)
    session = _session(call)  # as it is now
    if not lifecycle.shorten(call.work, session, expires_at=body.expires_at):
        problem = Text("A session can only be shortened. Send a time before its current expires_at.")
        raise InvalidBody([{"member": "expires_at", "problem": problem}])
    return _describe(replace(session, expires_at=body.expires_at))


@by_operator(needs=Permission.USERS_WRITE, of=SESSION, problems=(NoSuchSession,))
def end_session(call: Call, _operator: Operator, _body: Body) -> None:
    """End a session. It ends immediately, on every server."""
    if not lifecycle.end_by_operator(call.work, session_id=_session(call).id):
        raise NoSuchSession


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser,))
def end_all_sessions(call: Call, _operator: Operator, _body: Body) -> None:
    """Sign a user out everywhere. All sessions and tokens end immediately, also refresh tokens with offline_access. The
    user's devices are treated as new.
    """
    devices.sign_out_everywhere_by_operator(call.work, user_id=user_id_of(call))


def _session(call: Call) -> store.Session:
    session_id = parse_id(call.path_params["session_id"])
    session = None if session_id is None else store.find(call.work.read, session_id)
    if session is None or session.ended_at is not None or session.expires_at <= call.work.now:
        raise NoSuchSession
    return session


def _describe(session: store.Session) -> Session:
    return Session(
        id=session.id,
        user_id=session.user_id,
        created_at=session.created_at,
        auth_time=session.auth_time,
        amr=session.amr.split(),
        last_seen=session.last_seen,
        expires_at=session.expires_at,
        network=session.network,
        user_agent=session.user_agent,
        kept=session.kept,
    )
