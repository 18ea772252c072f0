"""The actions that operators take on one user, client or other thing: described first, with a field for the reason, and
then carried out.

Each action has its own URL, `<the thing>/<act>`: GET shows the confirmation page, POST carries it out. The audit event
records who did it and why.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from provider.admin import idempotency
from provider.admin.guards import require_operator
from provider.admin.idempotency import AnsweredBefore, KeyInUse
from provider.admin.versions import require_version, version_of
from provider.crypto.digests import new_handle
from provider.languages.text import Text
from provider.refusals import GoElsewhere, NotFound, Refusal
from provider.sessions.store import Session
from provider.web import csrf
from provider.web.call import Call
from provider.web.endpoint import Endpoint, endpoint
from provider.web.pages import go, page

LONGEST_REASON = 200


@dataclass(frozen=True)
class Thing:
    """The object of an action: its name, the URL of its page, and the value itself."""

    name: str
    url: str
    value: Any
    operator: Session
    """The session of the operator who acts."""


@dataclass(frozen=True)
class Input:
    """A form field of an action, next to the reason. `shown` returns its initial content."""

    name: str
    label: Text
    hint: Text | None = None
    shown: Callable[[Any], str] = lambda _value: ""
    kind: str = "text"
    """The kind of field: `text`, `lines` (one value per line) or `box` (a checkbox)."""


class Unfit(Refusal):
    """An invalid value in a form field."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


@dataclass(frozen=True)
class ShownOnce:
    """A result, such as a new secret, that is shown only once."""

    title: Text
    told: Text
    values: Mapping[str, str]


@dataclass(frozen=True)
class Act:
    title: Text
    button: Text
    means: tuple[Text, ...]
    """Sentences that say what the action will do."""
    done: Text
    do: Callable[[Call, Thing], ShownOnce | None]
    inputs: tuple[Input, ...] = ()
    makes: bool = False
    """Whether the action creates a value that is shown once. It is created inside the write transaction."""
    danger: bool = False
    fits: Callable[[Any], bool] = field(default=lambda _value: True)
    """Whether the action is available for the thing."""
    part: Callable[[Call, Any], str | None] | None = None
    """For an action on a part of the thing, named by the query: returns the part's name, or None if it is gone."""
    leads_to: str | None = None
    """The page to go to next, if it is not the page of the thing."""
    seen: Callable[[Any], Any] | None = None
    """For an edit: returns the value the operator sees. Its `do` calls `require_seen`, so an edit based on an outdated
    value is rejected.
    """


Acts = Mapping[str, Act]


def acting(find: Callable[[Call, Session], Thing], acts: Acts, *, here: str) -> Endpoint:
    """Return the endpoint for these actions; the route's `act` names the one to take. `here` is the section of the
    console they belong to.
    """

    @endpoint
    def act(call: Call) -> Response:
        """Show the confirmation page of an action (GET), or carry the action out (POST)."""
        operator = require_operator(call)
        wanted = acts.get(call.path_params["act"])
        if wanted is None:
            raise NotFound
        thing = find(call, operator)
        if not wanted.fits(thing.value) or (wanted.part is not None and wanted.part(call, thing.value) is None):
            return go(thing.url)  # done meanwhile, or in another tab
        if call.method in {"GET", "HEAD"}:
            return _ask(call, thing, wanted, here)
        try:
            said_why(call)
            shown = once(call, operator, lambda: wanted.do(call, thing)) if wanted.makes else wanted.do(call, thing)
        except GoElsewhere:
            raise
        except Refusal as refusal:
            return _ask(call, find(call, operator), wanted, here, refusal=refusal)
        if shown is not None:
            return page(call, "admin/shown_once.html", here=here, thing=thing, shown=shown)
        return go(with_done(wanted.leads_to or thing.url, call.path_params["act"]))

    return act


def said_why(call: Call) -> None:
    """Record the reason given in the form with the audit events that follow. Raises Unfit."""
    why = call.form.text("why")
    if len(why) > LONGEST_REASON or not why.isprintable():
        raise Unfit("why", Text("Give the reason in one line, of %(most)s characters at most.", most=LONGEST_REASON))
    call.work.origin = call.work.origin.of_operator(call.work.origin.operator, why=why)


def require_seen(call: Call, shown: Any) -> None:
    """Check that the current value, whose row is locked, is the one the operator saw. Raises ChangedMeanwhile."""
    require_version(call.form.get("seen", ""), shown)


def once(call: Call, operator: Session, make: Callable[[], ShownOnce | None]) -> ShownOnce | None:
    """Call `make` once for each form and return its result. If the same form is sent again within a day, for example by
    reloading the page, the earlier result is returned.
    """
    key = call.form.get("once")
    if not key:
        return make()
    asked = [call.path, dict(call.query), {name: value for name, value in call.form.items() if name != csrf.FIELD}]
    request = idempotency.request_of(key[:100], caller=f"console {operator.user_id}", asked=asked)
    try:
        idempotency.begin(call.work, request)
        shown = make()
    except AnsweredBefore as before:
        kept = json.loads(before.answer.body)
        title, told = kept["title"], kept["told"]
        return ShownOnce(Text(title), Text(told), kept["values"])
    if shown is not None:
        body = json.dumps({"title": shown.title, "told": shown.told, "values": dict(shown.values)})
        idempotency.keep(call.work, request, idempotency.Answer(200, body))
    return shown


def with_done(url: str, act: str) -> str:
    """Return the URL of the page to go to next, with the parameter that makes it say what was done."""
    return f"{url}{'&' if '?' in url else '?'}done={act}"


def done_on(call: Call, acts: Acts) -> Text | None:
    """Return the message about the action just completed, or None."""
    act = acts.get(call.query.get("done", ""))
    return None if act is None else act.done


def offered(acts: Acts, value: Any) -> dict[str, Act]:
    """Return the actions available for the whole thing. Actions on one of its parts are left out."""
    return {name: act for name, act in acts.items() if act.part is None and act.fits(value)}


def _key_of(call: Call, refusal: Refusal | None) -> str:
    """Return the idempotency key for the form. After a double click (KeyInUse), the key stays the same, so submitting
    again shows the result of the first submission.
    """
    return call.form["once"] if isinstance(refusal, KeyInUse) else new_handle()


def _ask(call: Call, thing: Thing, act: Act, here: str, *, refusal: Refusal | None = None) -> Response:
    # What was typed stays, but for an edit that somebody else's overtook: that is looked at anew.
    typed = {
        one.name: call.form.get(one.name, "") if isinstance(refusal, Unfit) else one.shown(thing.value)
        for one in act.inputs
    }
    errors = {} if refusal is None else {getattr(refusal, "name", ""): refusal.message}
    return page(
        call,
        "admin/act.html",
        status_code=200 if refusal is None else refusal.status_code,
        here=here,
        thing=thing,
        act=act,
        part=None if act.part is None else act.part(call, thing.value),
        typed=typed,
        why=call.form.get("why", ""),
        once=_key_of(call, refusal),
        seen="" if act.seen is None else version_of(act.seen(thing.value)),
        errors=errors,
    )
