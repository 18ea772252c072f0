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


def event_list(call: Call, events: Sequence[AuditEvent]) -> dict[str, Any]:
    """Return the template values for a list of events. Users that were deleted are named by their ids."""
    work = call.work
    operators = [str(event.details.get("operator", "")).partition(" ") for event in events]
    user_ids = {event.user_id for event in events if event.user_id}
    user_ids |= {key for kind, _, name in operators if kind == "user" and (key := parse_id(name))}
    client_ids = {event.client_id for event in events if event.client_id}
    client_ids |= {name for kind, _, name in operators if kind == "client"}
    known = {
        **{f"user {key}": name for key, name in user_names(call, user_ids).items()},
        **{f"client {key}": name for key, name in clients.find_names(work.read, client_ids).items() if name},
    }
    return {"events": [_shown(event, known, work.now) for event in events], "event_names": EVENT_NAMES, "mark": MARK}


def _shown(event: AuditEvent, known: Mapping[str, str], now: datetime) -> ShownEvent:
    names: dict[str, Name] = {}
    if event.user_id:
        names["user"] = _name(f"user {event.user_id}", known)
    if event.client_id:
        names["app"] = _name(f"client {event.client_id}", known)
    operator = event.details.get("operator")
    if operator:
        names["by"] = _name(str(operator), known)
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


def _name(key: str, known: Mapping[str, str]) -> Name:
    kind, _, value = key.partition(" ")
    if kind == "user" and parse_id(value):
        return Name(known.get(key, value), f"/admin/users/{value}")
    if kind == "client":
        return Name(known.get(key, value), f"/admin/clients/client?{urlencode({'client_id': value})}")
    return Name(key)
