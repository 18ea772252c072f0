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
    id: str
    device: str = Field(description="A guess, from what the device says about itself.")
    network: str
    created_at: datetime
    last_seen: datetime
    current: bool = Field(description="Is it the one this token hangs on?")


class Sessions(Body):
    sessions: list[Session]


@by_person(gives=Sessions)
def list_sessions(call: Call, bearer: Bearer, _body: Body) -> Sessions:
    """List the user's active sessions, the most recently used first."""
    own = _own(call, bearer)
    return Sessions(
        sessions=[
            Session(
                id=one.id,
                device=call.language.say(device_name(one.user_agent)),
                network=one.network,
                created_at=one.created_at,
                last_seen=one.last_seen,
                current=one.id in own,
            )
            for one in devices.find_sessions(call.work, bearer.user_id)
        ]
    )


@by_person(problems=(NoSuchSession,))
def end_one_session(call: Call, bearer: Bearer, _body: Body) -> None:
    """End a session. Tokens issued in it without offline_access are revoked with it."""
    wanted = call.path_params["session_id"]
    session = next((one for one in devices.find_sessions(call.work, bearer.user_id) if one.id == wanted), None)
    if session is None:
        raise NoSuchSession
    end_session(call.work, session, reason="signed_out_elsewhere")


@by_person()
def end_other_sessions(call: Call, bearer: Bearer, _body: Body) -> None:
    """End all sessions except those this token belongs to."""
    devices.sign_out_others(call.work, user_id=bearer.user_id, but=_own(call, bearer))


def _own(call: Call, bearer: Bearer) -> set[str]:
    own = find_own_session(call.work, bearer)
    return {bearer.grant.session_id} | ({own.id} if own is not None else set())
