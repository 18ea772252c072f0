"""The user's active sessions: list them, end one, or end all others."""

from datetime import datetime

from pydantic import Field

from provider.accounts import devices
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import find_own_session
from provider.api.operation import by_person
from provider.audit.devices import device_name
from provider.languages.text import Text
from provider.refusals import NotFound
from provider.sessions.lifecycle import end_session
from provider.web.call import Call


class NoSuchSession(NotFound):
    code = "no-such-session"
    title = Text("Session not found")
    message = Text("There is no active session with this ID.")


class Session(Body):
    """An active session of the user."""

    id: str = Field(description="The session's ID.")
    device: str = Field(description="Browser and operating system, derived from the User-Agent header.")
    network: str = Field(description="The network the session was last used from.")
    created_at: datetime = Field(description="When the session was created.")
    last_seen: datetime = Field(description="When the session was last used.")
    expires_at: datetime = Field(description="When the session expires at the latest.")
    kept: bool = Field(description="Whether the user chose to stay signed in after closing the browser.")
    current: bool = Field(description="Whether the access token of this request belongs to the session.")


class Sessions(Body):
    """The user's active sessions."""

    sessions: list[Session] = Field(description="The sessions, the most recently used first.")


@by_person(gives=Sessions)
def list_sessions(call: Call, bearer: Bearer, _body: Body) -> Sessions:
    """List active sessions. The most recently used comes first."""
    own = _own(call, bearer)
    return Sessions(
        sessions=[
            Session(
                id=one.id,
                device=call.language.say(device_name(one.user_agent)),
                network=one.network,
                created_at=one.created_at,
                last_seen=one.last_seen,
                expires_at=one.expires_at,
                kept=one.kept,
                current=one.id in own,
            )
            for one in devices.find_sessions(call.work, bearer.user_id)
        ]
    )


@by_person(problems=(NoSuchSession,))
def end_one_session(call: Call, bearer: Bearer, _body: Body) -> None:
    """End a session. Its tokens are revoked, except those with offline_access."""
    wanted = call.path_params["session_id"]
    session = next((one for one in devices.find_sessions(call.work, bearer.user_id) if one.id == wanted), None)
    if session is None:
        raise NoSuchSession
    end_session(call.work, session, reason="signed_out_elsewhere")


@by_person()
def end_other_sessions(call: Call, bearer: Bearer, _body: Body) -> None:
    """End all other sessions. Those that the access token belongs to stay."""
    devices.sign_out_others(call.work, user_id=bearer.user_id, but=_own(call, bearer))


def _own(call: Call, bearer: Bearer) -> set[str]:
    own = find_own_session(call.work, bearer)
    return {bearer.grant.session_id} | ({own.id} if own is not None else set())
