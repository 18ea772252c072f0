"""Shared signals in the console: the list of streams, and the stream of an application with its last deliveries."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import (
    Action,
    Actions,
    Input,
    InvalidInput,
    Subject,
    action_endpoint,
)
from provider.admin.pages.clients.connection_form import ConnectionForm
from provider.admin.pages.clients.frame import NEEDS, find_client, url_of
from provider.audit.events import Event
from provider.languages.text import Text
from provider.oauth.clients.clients import Client
from provider.oauth.clients.store.clients import find_names
from provider.operators import signals as rules
from provider.operators.signals import StreamSettings
from provider.signals import event_types, streams
from provider.signals.configuration import InvalidStream
from provider.signals.store import streams as store
from provider.signals.store.deliveries import Outcome
from provider.signals.store.streams import DefaultSubjects, Method, Status, Stream
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

TAB = "signals"
METHODS = {Method.PUSH: Text("Push to a URL of the application"), Method.POLL: Text("The application polls")}
STATUSES = {Status.ENABLED: Text("on"), Status.PAUSED: Text("paused"), Status.DISABLED: Text("off")}
OUTCOMES = {
    Outcome.DELIVERED: Text("delivered"),
    Outcome.REJECTED: Text("rejected"),
    Outcome.FAILED: Text("failed"),
}
SUBJECTS = {
    DefaultSubjects.ALL: Text("All users that the application knows"),
    DefaultSubjects.NONE: Text("Only users that the application adds"),
}
EVENTS = {
    event_types.SESSION_REVOKED: Text("Session ended"),
    event_types.CREDENTIAL_CHANGE: Text("Password, passkey or authenticator app changed"),
    event_types.ASSURANCE_LEVEL_CHANGE: Text("Second factor shown"),
    event_types.TOKEN_CLAIMS_CHANGE: Text("Roles, groups or profile changed"),
    event_types.ACCOUNT_DISABLED: Text("Account suspended"),
    event_types.ACCOUNT_ENABLED: Text("Account restored"),
    event_types.ACCOUNT_PURGED: Text("Account deleted"),
    event_types.IDENTIFIER_CHANGED: Text("Email address changed"),
    event_types.CREDENTIAL_COMPROMISE: Text("Account used by someone else"),
}
LABELS = {
    "method": Text("Delivery"),
    "endpoint_url": Text("URL to push to"),
    "authorization_header": Text("Authorization header (optional)"),
    "events": Text("Events"),
    "description": Text("Description (optional)"),
    "default_subjects": Text("Users"),
}
MESSAGE = Text("Message to the application (optional)")
MESSAGE_HINT = Text("The application receives it with the new status.")


def _switching(status: Status) -> Callable[[Call, Subject[Client]], None]:
    def act(call: Call, subject: Subject[Client]) -> None:
        reason = call.form.text("reason").strip()
        if len(reason) > streams.LONGEST_REASON or not reason.isprintable():
            raise InvalidInput("reason", Text("Enter at most %(most)s characters.", most=streams.LONGEST_REASON))
        stream = streams.find_of_client(call.work, subject.value.client_id)
        streams.set_status(call.work, stream, status, reason=reason or None, by_receiver=False)

    return act


def _verify(call: Call, subject: Subject[Client]) -> None:
    streams.verify(call.work, streams.find_of_client(call.work, subject.value.client_id), by_receiver=False)


def _delete(call: Call, subject: Subject[Client]) -> None:
    streams.delete(call.work, streams.find_of_client(call.work, subject.value.client_id))


_REASON: tuple[Input[Client], ...] = (Input("reason", MESSAGE, MESSAGE_HINT),)
ACTIONS: Actions[Client] = {
    "verify": Action(
        title=Text("Send verification event"),
        button=Text("Send"),
        means=(Text("The application receives a test event. The deliveries on its page show whether it arrived."),),
        done=Text("Verification event queued."),
        do=_verify,
    ),
    "enable": Action(
        title=Text("Turn stream on"),
        button=Text("Turn on"),
        means=(Text("What waits is delivered."),),
        done=Text("Stream turned on."),
        do=_switching(Status.ENABLED),
        inputs=_REASON,
    ),
    "pause": Action(
        title=Text("Pause stream"),
        button=Text("Pause"),
        means=(Text("Signals are kept and delivered when you turn the stream on. After 7 days the oldest are lost."),),
        done=Text("Stream paused."),
        do=_switching(Status.PAUSED),
        inputs=_REASON,
    ),
    "disable": Action(
        title=Text("Turn stream off"),
        button=Text("Turn off"),
        means=(Text("What waits is deleted, and new signals are not kept. The application can turn it on again."),),
        done=Text("Stream turned off."),
        do=_switching(Status.DISABLED),
        inputs=_REASON,
        danger=True,
    ),
    "delete": Action(
        title=Text("Delete stream"),
        button=Text("Delete stream"),
        means=(Text("The settings and what waits are deleted. The application can create another stream."),),
        done=Text("Stream deleted."),
        do=_delete,
        danger=True,
    ),
}
_SWITCHES = {Status.ENABLED: "enable", Status.PAUSED: "pause", Status.DISABLED: "disable"}


@endpoint
def list_streams(call: Call) -> Response:
    """List the streams of all applications with their state: GET /admin/signal-streams."""
    require_operator(call, Permission.APPLICATIONS_READ)
    found = store.find_all(call.work.read)
    names = find_names(call.work.read, [one.client_id for one in found])
    return page(
        call,
        "admin/signal_streams.html",
        streams=[
            {
                "name": names.get(one.client_id) or one.client_id,
                "url": url_of(one.client_id, TAB),
                "state": streams.describe(call.work, one),
            }
            for one in found
        ],
        statuses=STATUSES,
        methods=METHODS,
    )


def _find(call: Call, operator: Operator) -> Subject[Client]:
    found = find_client(call, operator)
    streams.find_of_client(call.work, found.value.client_id)
    return Subject(found.name, url_of(found.value.client_id, TAB), found.value, operator, found.problem)


act_on_stream = action_endpoint(_find, ACTIONS, here="clients", needs=NEEDS)


def _left_out(found: Stream) -> set[str]:
    return {_SWITCHES[Status(found.status)]}


def _lock(db: Connection, client_id: str) -> Stream | None:
    found = store.find_of_client(db, client_id)
    return None if found is None else store.lock(db, found.id)


def _spelled(found: Stream | None) -> dict[str, str]:
    """Return the settings as the fields of the form have them."""
    settings = StreamSettings() if found is None else StreamSettings.of(found)
    return {
        "method": settings.method,
        "endpoint_url": settings.endpoint_url or "",
        "description": settings.description or "",
        "default_subjects": settings.default_subjects,
        **{f"events.{name}": "on" if name in settings.events else "" for name in event_types.BY_NAME},
    }


def _in_words(name: str, text: str) -> Text | str:
    if name.startswith("events."):
        return Text("yes") if text else Text("no")
    if name == "method":
        return METHODS[Method(text)]
    return SUBJECTS[DefaultSubjects(text)] if name == "default_subjects" else text


def _parse(call: Call) -> dict[str, Any]:
    text = {name: call.form.text(name).strip() for name in ("method", "endpoint_url", "description")}
    ticked = [name for name in event_types.BY_NAME if call.form.get(f"events.{name}")]
    return {**text, "default_subjects": call.form.text("default_subjects"), "events": tuple(ticked)}


def _put(call: Call, client: Client) -> None:
    """Save the form. It has the Authorization header only to set it: empty keeps the saved one."""
    header = "" if call.form.get("no_header") else call.form.text("authorization_header").strip() or None
    rules.put(call.work, client.client_id, rules.parse_settings(_parse(call)), header=header)


def _more(call: Call, _operator: Operator, found: Stream | None, typed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": None if found is None else streams.describe(call.work, found),
        "deliveries": [] if found is None else rules.describe_deliveries(call.work, found),
        "event_names": {rules.name_of(uri): label for uri, label in EVENTS.items()},
        "events": [
            {"value": name, "label": EVENTS[uri], "ticked": bool(typed.get(f"events.{name}"))}
            for name, uri in event_types.BY_NAME.items()
        ],
        "statuses": STATUSES,
        "outcomes": OUTCOMES,
        "methods": [{"value": value.value, "label": label} for value, label in METHODS.items()],
        "subjects": [{"value": value.value, "label": label} for value, label in SUBJECTS.items()],
    }


FORM = ConnectionForm[Stream](
    tab=TAB,
    template="admin/client_signals.html",
    labels=LABELS | {f"events.{name}": EVENTS[uri] for name, uri in event_types.BY_NAME.items()},
    event=Event.SIGNAL_STREAM_UPDATED,
    actions=ACTIONS,
    left_out=_left_out,
    find=store.find_of_client,
    lock=_lock,
    spelled=_spelled,
    in_words=_in_words,
    put=_put,
    refused=(InvalidStream,),
    more=_more,
)


@endpoint
def show_stream(call: Call) -> Response:
    """Show the stream of a client: GET /admin/clients/client/signals?client_id=."""
    return FORM.show(call)


@endpoint
def save_stream(call: Call) -> Response:
    """Save the form: POST to the same URL. It creates the stream if there is none."""
    return FORM.save(call)
