"""The timeline of one sign-in: what happened in a session or for a grant, or around a rejected request.

It is put together from the session, its stored requests, codes, refresh tokens and grants, from the audit log, and from
rejected requests. Each is kept for a time of its own, so old sign-ins have gaps.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.audit import store as audit
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.inspection import store
from provider.inspection.findings import Inspection
from provider.languages.text import Text
from provider.oauth import store as refusals
from provider.oauth.explanations import find_explanation
from provider.oauth.store import RefusalRow
from provider.oauth.tokens.store.grants import Grant
from provider.sessions import store as sessions
from provider.sessions.store import Session
from provider.work import UnitOfWork

BEFORE = timedelta(minutes=15)
"""How long before the sign-in events without the id of its session may belong to it."""
AROUND = timedelta(minutes=5)
"""How long before and after a rejected request events of its application and network are shown."""
MOST = 500
"""The most audit events that are read."""
ENDINGS = frozenset(
    {
        Event.SESSIONS_ENDED,
        Event.PASSWORD_RESET,
        Event.PASSWORD_CHANGED,
        Event.ACCOUNT_SUSPENDED,
        Event.CONSENT_WITHDRAWN,
        Event.ACCOUNT_DELETED,
    }
)
"""Events of a user that may end any session or grant, whatever network they came from."""


@dataclass(frozen=True)
class Moment:
    """Something that happened: in words, or an audit event."""

    at: datetime
    what: Text | AuditEvent
    client_id: str | None = None
    detail: str = ""
    """Details for developers, in English."""
    failed: bool = False
    error_id: str | None = None


@dataclass(frozen=True)
class _Frame:
    """The subject of a timeline: a session and grants of it, or a grant alone, and the time to show."""

    user_id: str
    session_id: str
    session: Session | None
    grants: Sequence[Grant]
    begins: datetime
    ends: datetime

    @property
    def clients(self) -> frozenset[str]:
        return frozenset(grant.client_id for grant in self.grants)


def timeline_of(work: UnitOfWork, found: Inspection) -> list[Moment]:
    """Return what happened, the earliest first: for the grant that was found, else for the session, else around the
    rejected request. Returns [] if there is none of them.
    """
    grant = store.find_grant(work.read, found.grant_id) if found.grant_id else None
    session_id = grant.session_id if grant is not None else found.session_id
    session = None if session_id is None else sessions.find(work.read, session_id)
    if grant is not None:
        moments = _in_frame(work, _frame(work, session, [grant]))
    elif session is not None:
        moments = _in_frame(work, _frame(work, session, store.find_grants_of_session(work.read, session.id)))
    else:
        row = find_explanation(work, found.error_id) if found.error_id else None
        moments = [] if row is None else _around(work, row)
    return sorted(moments, key=lambda moment: moment.at)


def _frame(work: UnitOfWork, session: Session | None, of: Sequence[Grant]) -> _Frame:
    begins = min([*(grant.created_at for grant in of), *([session.created_at] if session else [])])
    user_id = session.user_id if session is not None else of[0].user_id
    session_id = session.id if session is not None else of[0].session_id
    return _Frame(user_id, session_id, session, of, begins - BEFORE, work.now + timedelta(seconds=1))


def _in_frame(work: UnitOfWork, frame: _Frame) -> list[Moment]:
    moments = [*_of_session(frame), *_of_requests(work, frame)]
    for grant in frame.grants:
        moments += _of_grant(grant)
    moments += [*_of_tokens(work, frame), *_of_events(work, frame)]
    network = frame.session.network if frame.session is not None else None
    for client_id in sorted(frame.clients) if network else ():
        rows = refusals.find_latest(work.read, since=frame.begins, client_id=client_id, after=None, limit=store.MOST)
        moments += [_rejected(row) for row in rows if row.network == network]
    return moments


def _of_session(frame: _Frame) -> list[Moment]:
    session = frame.session
    if session is None:
        return []
    moments = [Moment(session.created_at, Text("The session began"), detail=f"sid={session.id}")]
    if session.ended_at is not None:
        moments.append(Moment(session.ended_at, Text("The session ended"), detail=session.end_reason or ""))
    elif session.expires_at <= frame.ends:
        moments.append(Moment(session.expires_at, Text("The session ended"), detail="expired"))
    return moments


def _of_requests(work: UnitOfWork, frame: _Frame) -> list[Moment]:
    rows = store.find_parked_of_session(work.read, frame.session_id, frame.clients, since=frame.begins)
    moments = []
    for row in rows:
        detail = "pushed" if row.pushed else "parked while the user signs in"
        moments.append(Moment(row.created_at, Text("The application sent a request"), row.client_id, detail))
    return moments


def _of_grant(grant: Grant) -> list[Moment]:
    detail = f"grant={grant.id} scope={grant.scope} acr={grant.acr or '-'} amr={grant.amr}"
    moments = [Moment(grant.created_at, Text("Access was granted"), grant.client_id, detail)]
    if grant.revoked_at is not None:
        why = f"grant={grant.id} {grant.revoke_reason}"
        moments.append(Moment(grant.revoked_at, Text("Access was revoked"), grant.client_id, why, failed=True))
    return moments


def _of_tokens(work: UnitOfWork, frame: _Frame) -> list[Moment]:
    """Return the redemptions of codes and the refreshes. Access tokens are not stored."""
    client_of = {grant.id: grant.client_id for grant in frame.grants}
    moments = [
        Moment(code.spent_at, Text("The code was redeemed"), client_of[code.grant_id])
        for code in store.find_redemptions(work.read, client_of)
        if code.spent_at is not None
    ]
    moments += [
        Moment(
            token.rotated_at,
            Text("The tokens were refreshed"),
            client_of[token.grant_id],
            f"generation {token.generation + 1}",
        )
        for token in store.find_generations(work.read, client_of)
        if token.rotated_at is not None
    ]
    return moments


def _of_events(work: UnitOfWork, frame: _Frame) -> list[Moment]:
    events = audit.find(work.read, user_id=frame.user_id, since=frame.begins, until=frame.ends, limit=MOST)
    ids = {grant.id for grant in frame.grants}
    network = frame.session.network if frame.session is not None else ""
    return [_of_event(event) for event in events if _belongs(event, frame, ids, network)]


def _belongs(event: AuditEvent, frame: _Frame, ids: Collection[str], network: str) -> bool:
    """Return whether an event of the user belongs to the frame. Most name no session: then those of the same network
    until shortly after the sign-in do.
    """
    named_session, named_grant = event.details.get("session"), event.details.get("grant")
    if named_session is not None or named_grant is not None:
        return named_session == frame.session_id or named_grant in ids
    if event.client_id is not None and frame.clients and event.client_id not in frame.clients:
        return False
    if event.name in ENDINGS:
        return event.at >= frame.begins + BEFORE
    signed_in = frame.session.auth_time if frame.session is not None else frame.begins + BEFORE
    latest = max([signed_in, *(grant.created_at for grant in frame.grants)]) + AROUND
    return bool(network) and event.network == network and event.at <= latest


def _of_event(event: AuditEvent) -> Moment:
    detail = " ".join(f"{name}={_plain(value)}" for name, value in event.details.items() if name != "operator")
    return Moment(event.at, event, event.client_id, detail)


def _plain(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _rejected(row: RefusalRow) -> Moment:
    detail = f"{row.endpoint}: {row.error}: {row.description}"
    return Moment(row.at, Text("A request was rejected"), row.client_id, detail, failed=True, error_id=row.error_id)


def _around(work: UnitOfWork, row: RefusalRow) -> list[Moment]:
    """Return what the same network did with the same application shortly before and after."""
    moments = [_rejected(row)]
    if row.client_id is None:
        return moments
    begins, ends = row.at - AROUND, row.at + AROUND
    rows = refusals.find_latest(work.read, since=begins, client_id=row.client_id, after=None, limit=store.MOST)
    others = [one for one in rows if one.error_id != row.error_id and one.network == row.network and one.at <= ends]
    events = audit.find(
        work.read, client_id=row.client_id, network=row.network, since=begins, until=ends, limit=store.MOST
    )
    return [*moments, *map(_rejected, others), *map(_of_event, events)]
