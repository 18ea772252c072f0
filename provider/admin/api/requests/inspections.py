"""The inspector in the admin API: what a URL, code, token or ID is and means here, and the timeline of its sign-in."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.audit.store import AuditEvent
from provider.inspection.findings import Inspection as Found
from provider.inspection.inspector import LONGEST, NothingToInspect, inspect
from provider.inspection.reader import Reader
from provider.inspection.timeline import Moment, timeline_of
from provider.oauth.http.server import server_of
from provider.operators.inspections import record_inspection
from provider.web.call import Call


class InspectedValue(Body):
    """A value to inspect."""

    value: str = Field(
        description=f"A URL, code, token, ID, key set or discovery document, up to {LONGEST} characters. Not stored."
    )  # without limits: an error about its length would repeat it


class InspectedFact(Body):
    """One claim, parameter or property."""

    name: str = Field(description="Its name.")
    value: str = Field(description="Its value. Secrets are masked.")
    meaning: str = Field(description="What it means.")
    passed: bool | None = Field(None, description="Whether a check of it passed, or null if it was not checked.")
    why: str = Field(description="Why the check failed, and how to fix it.")
    section: str = Field(description="The section of the specification.")


class InspectedPart(Body):
    """Facts that belong together."""

    title: str = Field(description="What they are about.")
    facts: list[InspectedFact] = Field(description="The facts.")


class TimelineMoment(Body):
    """Something that happened in the sign-in."""

    at: datetime = Field(description="When it happened.")
    what: str = Field(description="What happened: the name of an audit event, or words.")
    client_id: str | None = Field(None, description="The client it was about.")
    detail: str = Field(description="Details for developers.")
    error_id: str | None = Field(None, description="The error ID of a rejected request.")


class Inspection(Body):
    """A value that was inspected: its kind, and its meaning here."""

    kind: str = Field(description="What it is.")
    summary: str = Field(description="The answer in one sentence.")
    is_valid: bool | None = Field(
        None, description="Whether it would be accepted now, or null if that cannot be known."
    )
    gives_access: bool = Field(description="Whether the value itself still gives access.")
    client_id: str | None = Field(None, description="The client it was issued to.")
    user_id: str | None = Field(None, description="The user it was issued for. Only with users:read.")
    grant_id: str | None = Field(None, description="Its grant. Only with users:read.")
    session_id: str | None = Field(None, description="The session. Only with users:read.")
    parts: list[InspectedPart] = Field(description="The facts.")
    timeline: list[TimelineMoment] = Field(description="The sign-in, the earliest first. Only with users:read.")


@by_operator(
    needs=Permission.REQUESTS_READ,
    takes=InspectedValue,
    gives=Inspection,
    problems=(NothingToInspect, InvalidBody),
)
def inspect_value(call: Call, operator: Operator, body: InspectedValue) -> Inspection:
    """Request an inspection of a value. It is neither stored nor sent anywhere, and a code is not redeemed.
    The audit log records inspections of what was issued for a user, without the value.
    """
    sees_users = Permission.USERS_READ in operator.permissions
    found = inspect(Reader(call.work, server_of(call), sees_users=sees_users), body.value)
    moments = timeline_of(call.work, found) if sees_users else []
    record_inspection(call.work, found)
    return _describe(found, moments, sees_users=sees_users)


def _describe(found: Found, moments: list[Moment], *, sees_users: bool) -> Inspection:
    return Inspection(
        kind=found.kind,
        summary=found.summary,
        is_valid=found.is_valid,
        gives_access=found.secret,
        client_id=found.client_id,
        user_id=found.user_id if sees_users else None,
        grant_id=found.grant_id if sees_users else None,
        session_id=found.session_id if sees_users else None,
        parts=[
            InspectedPart(title=part.title, facts=[InspectedFact(**vars(fact)) for fact in part.facts])
            for part in found.parts
        ],
        timeline=[
            TimelineMoment(
                at=one.at,
                what=one.what.name if isinstance(one.what, AuditEvent) else str(one.what),
                client_id=one.client_id,
                detail=one.detail,
                error_id=one.error_id,
            )
            for one in moments
        ],
    )
