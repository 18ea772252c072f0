"""The audit events on a page, as `events_list` in macros/console.html shows them: sentences with names as links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from provider.admin.pages.user_names import user_names
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.clients.store import clients
from provider.operator_names import OperatorKind, OperatorName
from provider.operators.audit.event_names import EVENT_NAMES
from provider.operators.audit.event_sentences import BECAUSE, BY_OPERATOR, sentence_for
from provider.web.call import Call

MARK = "\x02"
"""What stands around the key of a name in a sentence, until the template puts the name there."""
AT_COMMAND_LINE = Text("The command line")
BY_WORKER = frozenset({Event.ACCOUNT_DELETED, Event.CLIENT_DELETED})
"""What the worker does by itself too, without a request."""


@dataclass(frozen=True)
class Name:
    """A name in a sentence, and the page of what it names, if there is one."""

    label: str
    url: str | None = None


@dataclass(frozen=True)
class ShownEvent:
    """An audit event with its sentence, in which each name is the key of `names` between two MARKs."""

    event: AuditEvent
    sentence: Text | str
    names: Mapping[str, Name]
    details: Mapping[str, Any]
    """The details that the sentence does not say."""
    now: datetime
    """The time of the page."""

    @property
    def place(self) -> str:
        """The place of the event in the log, for what is newer."""
        return f"{self.event.at.isoformat()}~{self.event.id}"


@dataclass(frozen=True)
class _Names:
    """The names of the users and clients that exist, by their ids. Others are named by their ids."""

    users: Mapping[str, str]
    clients: Mapping[str, str]

    def of_user(self, user_id: str) -> Name:
        return Name(self.users.get(user_id, user_id), f"/admin/users/{user_id}")

    def of_client(self, client_id: str) -> Name:
        url = f"/admin/clients/client?{urlencode({'client_id': client_id})}"
        return Name(self.clients.get(client_id, client_id), url)

    def of_operator(self, operator: OperatorName) -> Name:
        if operator.kind == OperatorKind.USER and parse_id(operator.id):
            return self.of_user(operator.id)
        if operator.kind == OperatorKind.CLIENT:
            return self.of_client(operator.id)
        return Name(str(operator))


def event_list(call: Call, events: Sequence[AuditEvent]) -> dict[str, Any]:
    """Return the template values for a list of events. Users that were deleted are named by their ids."""
    work = call.work
    operators = [operator for operator in map(_operator_of, events) if operator is not None]
    user_ids = {event.user_id for event in events if event.user_id}
    user_ids |= {key for one in operators if one.kind == OperatorKind.USER and (key := parse_id(one.id))}
    client_ids = {event.client_id for event in events if event.client_id}
    client_ids |= {one.id for one in operators if one.kind == OperatorKind.CLIENT}
    client_names = {key: name for key, name in clients.find_names(work.read, client_ids).items() if name}
    names = _Names(user_names(call, user_ids), client_names)
    return {"events": [_shown(event, names, work.now) for event in events], "event_names": EVENT_NAMES, "mark": MARK}


def _operator_of(event: AuditEvent) -> OperatorName | None:
    """Return the operator of an event, or None if it has none, or text that no release has written."""
    try:
        return OperatorName.parse(str(event.details.get("operator", "")))
    except ValueError:
        return None


def _shown(event: AuditEvent, known: _Names, now: datetime) -> ShownEvent:
    names: dict[str, Name] = {}
    if event.user_id:
        names["user"] = known.of_user(event.user_id)
    if event.client_id:
        names["app"] = known.of_client(event.client_id)
    operator, written = _operator_of(event), event.details.get("operator")
    if written:
        names["by"] = known.of_operator(operator) if operator is not None else Name(str(written))
    elif not event.network and not event.request_id and event.name in BY_OPERATOR and event.name not in BY_WORKER:
        names["by"] = Name(AT_COMMAND_LINE)
    marked = {key: f"{MARK}{key}{MARK}" for key in names}
    sentence = sentence_for(event.name, names=marked, details=event.details)
    why = event.details.get("why") or (event.name == Event.ACCOUNT_SUSPENDED and event.details.get("reason"))
    if why:
        sentence = Text(BECAUSE.message, sentence=sentence, reason=str(why))
    said = {"operator", "why"} | ({"reason"} if event.details.get("reason") == why else set())
    rest = {key: value for key, value in event.details.items() if key not in said and value is not None and value != []}
    return ShownEvent(event, sentence, names, rest, now)
