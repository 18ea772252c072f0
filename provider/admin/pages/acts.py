"""What operators do to one thing: said in words first, with a place for the reason, and then done.

Each act has an address of its own, `<the thing>/<act>`: GET asks, POST does. The audit event tells who did it and why.
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
    """What is acted on: its name, the page that shows it, and the thing itself."""

    name: str
    url: str
    value: Any
    operator: Session
    """Whoever acts."""


@dataclass(frozen=True)
class Input:
    """Something the operator says beside the reason. `shown` is what stands in the field at first."""

    name: str
    label: Text
    hint: Text | None = None
    shown: Callable[[Any], str] = lambda _value: ""
    kind: str = "text"
    """`text`, `lines` (one a line) or `box`."""


class Unfit(Refusal):
    """What was typed into a field cannot be."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


@dataclass(frozen=True)
class ShownOnce:
    """What the act made and nobody can be shown again."""

    title: Text
    told: Text
    values: Mapping[str, str]


@dataclass(frozen=True)
class Act:
    title: Text
    button: Text
    means: tuple[Text, ...]
    """What will happen, in words."""
    done: Text
    do: Callable[[Call, Thing], ShownOnce | None]
    inputs: tuple[Input, ...] = ()
    makes: bool = False
    """Something that is shown once; it is made within the write transaction."""
    danger: bool = False
    fits: Callable[[Any], bool] = field(default=lambda _value: True)
    """Is there anything to do?"""
    part: Callable[[Call, Any], str | None] | None = None
    """Of an act on one part of the thing, which the query names: what it is called, None when it is not there."""
    leads_to: str | None = None
    """The page to go on to, where it is not the thing's own."""
    seen: Callable[[Any], Any] | None = None
    """Of an edit: what the operator looked at. Its `do` asks `require_seen`, so that one which somebody else's overtook
    is refused.
    """


Acts = Mapping[str, Act]


def acting(find: Callable[[Call, Session], Thing], acts: Acts, *, here: str) -> Endpoint:
    """The pages of these acts; the route's `act` says which. `here` is the section they belong to."""

    @endpoint
    def act(call: Call) -> Response:
        """The question, and the deed."""
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
    """From here on the audit tells the reason that was given. Raises Unfit."""
    why = call.form.text("why")
    if len(why) > LONGEST_REASON or not why.isprintable():
        raise Unfit("why", Text("Give the reason in one line, of %(most)s characters at most.", most=LONGEST_REASON))
    call.work.origin = call.work.origin.of_operator(call.work.origin.operator, why=why)


def require_seen(call: Call, shown: Any) -> None:
    """Is what is there now, its row locked, what the operator looked at? Raises ChangedMeanwhile."""
    require_version(call.form.get("seen", ""), shown)


def once(call: Call, operator: Session, make: Callable[[], ShownOnce | None]) -> ShownOnce | None:
    """What a form makes and shows. The same form sent again (a page that is reloaded) makes nothing more, and shows for
    a day what it made.
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
    """The page to go on to, which says what was done."""
    return f"{url}{'&' if '?' in url else '?'}done={act}"


def done_on(call: Call, acts: Acts) -> Text | None:
    """What a page was come back to after, in words."""
    act = acts.get(call.query.get("done", ""))
    return None if act is None else act.done


def offered(acts: Acts, value: Any) -> dict[str, Act]:
    """Those on the whole of it that there is anything to do for."""
    return {name: act for name, act in acts.items() if act.part is None and act.fits(value)}


def _key_of(call: Call, refusal: Refusal | None) -> str:
    """Of a form. The second press of a double click comes while the first is being carried out: pressed once more, the
    same form shows what that one made.
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
