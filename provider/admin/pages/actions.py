"""The actions that operators take on one user, client or other subject: described first, with a field for the reason,
and then carried out.

Each action has its own URL, `<the subject>/<the action>`: GET shows the confirmation page, POST carries it out. The
audit event records who did it and why.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from starlette.responses import Response

from provider.accounts.pages.profile_form import parts_of
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages import conflicts
from provider.admin.pages.conflicts import Record, conflict
from provider.crypto.digests import new_handle
from provider.languages.catalogs import Language
from provider.languages.free_text import InvalidText, clean_line
from provider.languages.text import Text
from provider.operators import idempotency
from provider.operators.authority import MorePermissions
from provider.operators.etags import ChangedMeanwhile, require_version, version_of
from provider.operators.idempotency import AnsweredBefore, KeyInUse
from provider.refusals import NotFound, RedirectRequired, Refusal
from provider.web import csrf
from provider.web.call import Call
from provider.web.endpoint import Endpoint, endpoint
from provider.web.pages import go, page

LONGEST_REASON = 200
IDEMPOTENCY_KEY = "idempotency_key"
"""The form field with the idempotency key of a form that creates something."""
VERSION = "version"
"""The form field with the version of the value that the operator sees and edits."""

T = TypeVar("T")


@dataclass(frozen=True)
class Subject(Generic[T]):
    """The object of an action: its name, the URL of its page, and the value itself."""

    name: str
    url: str
    value: T
    operator: Operator
    """The operator who acts."""
    problem: Text | None = None
    """Why this operator can't take any action on the subject, or None (`operators.authority`)."""

    def require_possible(self) -> None:
        """Check that the operator can take actions on the subject. Raises MorePermissions."""
        if self.problem is not None:
            raise MorePermissions(self.problem)


@dataclass(frozen=True)
class Input(Generic[T]):
    """A form field of an action, next to the reason. `shown` returns its initial content."""

    name: str
    label: Text
    hint: Text | None = None
    shown: Callable[[T], str] = lambda _value: ""
    kind: str = "text"
    """The kind of field: `text`, `lines` (several lines of text), or `date` (the date of birth, in three fields)."""
    options: Callable[[Language, str], Sequence[Mapping[str, str]]] | None = None
    """For a list of values: returns the options, with the value that is shown."""
    suggests: Callable[[Language], Sequence[str]] | None = None
    """Returns the values that a text field suggests."""
    is_available: Callable[[T], bool] = lambda _value: True
    """Whether the form of the subject has the field."""

    def values(self, value: T) -> dict[str, str]:
        """Return the initial content of the form fields of this input, by their names."""
        return parts_of(self.shown(value)) if self.kind == "date" else {self.name: self.shown(value)}

    def label_of(self, language: Language, text: str) -> str:
        """Return a value as the field shows it: the label of an option, or the text."""
        options = self.options(language, text) if self.options else ()
        return next((option["label"] for option in options if option["value"] == text), text)


@dataclass(frozen=True)
class Edit(Generic[T]):
    """The value that an action replaces or relies on: it is rejected if that is not the one the operator saw."""

    value: Callable[[T], object]
    """Returns the value whose version is in the form. `do` calls `require_version_seen`."""
    record: Callable[[T], Record]
    """Returns where the audit log has its changes."""


class InvalidInput(Refusal):
    """An invalid value in a form field."""

    code = "invalid-input"

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
class Action(Generic[T]):
    """An action on a subject whose value is a `T`: its texts, its form fields, and the function that carries it out."""

    title: Text
    button: Text
    means: tuple[Text, ...]
    """Sentences that say what the action will do."""
    done: Text
    do: Callable[[Call, Subject[T]], ShownOnce | None]
    inputs: tuple[Input[T], ...] = ()
    creates: bool = False
    """Whether the action creates a value that is shown once. It is created inside the write transaction."""
    danger: bool = False
    is_available: Callable[[T], bool] = field(default=lambda _value: True)
    """Whether the action is available for the subject."""
    is_listed: bool = True
    """Whether the subject's menu lists the action. Others have a link beside what they change."""
    part: Callable[[Call, T], str | None] | None = None
    """For an action on a part of the subject, named by the query: returns the part's name, or None if it is gone."""
    leads_to: str | None = None
    """The page to go to next, if it is not the page of the subject."""
    edits: Edit[T] | None = None
    also: Callable[[T], Sequence[Text]] = field(default=lambda _value: ())
    """Returns more sentences that say what the action will do to this subject."""


Actions: TypeAlias = Mapping[str, Action[T]]


def action_endpoint(
    find: Callable[[Call, Operator], Subject[T]], actions: Actions[T], *, here: str, needs: Permission
) -> Endpoint:
    """Return the endpoint for these actions; the route's `action` names the one to take. `here` is the section of the
    console they belong to, and `needs` the permission to take them.
    """

    @endpoint
    def act(call: Call) -> Response:
        """Show the confirmation page of an action (GET), or carry the action out (POST)."""
        operator = require_operator(call, needs)
        action = actions.get(call.path_params["action"])
        if action is None:
            raise NotFound
        subject = find(call, operator)
        subject.require_possible()
        if not action.is_available(subject.value) or (action.part and action.part(call, subject.value) is None):
            return go(subject.url)  # done meanwhile, or in another tab
        if call.method in {"GET", "HEAD"}:
            return _ask(call, subject, action, here)
        try:
            record_reason(call)
            do = partial(action.do, call, subject)
            shown = run_once(call, operator, do) if action.creates else do()
        except RedirectRequired:
            raise
        except Refusal as refusal:
            return _ask(call, find(call, operator), action, here, refusal=refusal)
        if shown is not None:
            return page(call, "admin/shown_once.html", here=here, subject=subject, shown=shown)
        return go(with_done(action.leads_to or subject.url, call.path_params["action"]))

    return act


def record_reason(call: Call) -> None:
    """Record the reason given in the form with the audit events that follow. Raises InvalidInput."""
    try:
        why = clean_line(call.form.text("why"), most=LONGEST_REASON)
    except InvalidText as invalid:
        raise InvalidInput("why", invalid.problem) from None
    call.work.origin = replace(call.work.origin, why=why)


def require_version_seen(call: Call, current: object) -> None:
    """Check that the current value, whose row is locked, is the one the operator saw. Raises ChangedMeanwhile."""
    require_version(call.form.get(VERSION, ""), current)


def run_once(call: Call, operator: Operator, make: Callable[[], ShownOnce | None]) -> ShownOnce | None:
    """Call `make` once for each form and return its result. If the same form is sent again within a day, for example by
    reloading the page, the earlier result is returned.
    """
    key = call.form.get(IDEMPOTENCY_KEY)
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
        idempotency.keep(call.work, request, idempotency.StoredResponse(200, body))
    return shown


def with_done(url: str, action: str) -> str:
    """Return the URL of the page to go to next, with the parameter that makes it say what was done."""
    return f"{url}{'&' if '?' in url else '?'}done={action}"


def done_message(call: Call, actions: Actions[T]) -> Text | None:
    """Return the message about the action just completed, or None."""
    action = actions.get(call.query.get("done", ""))
    return None if action is None else action.done


def available(actions: Actions[T], value: T, needs: Permission, operator: Operator) -> dict[str, Action[T]]:
    """Return the actions available for the whole subject, if the operator has the permission they need. Actions on one
    of its parts are left out.
    """
    if not operator.may(needs):
        return {}
    whole = {name: action for name, action in actions.items() if action.part is None and action.is_listed}
    return {name: action for name, action in whole.items() if action.is_available(value)}


def _key_of(call: Call, refusal: Refusal | None) -> str:
    """Return the idempotency key for the form. After a double click (KeyInUse), the key stays the same, so submitting
    again shows the result of the first submission.
    """
    return call.form[IDEMPOTENCY_KEY] if isinstance(refusal, KeyInUse) else new_handle()


def _ask(call: Call, subject: Subject[T], action: Action[T], here: str, *, refusal: Refusal | None = None) -> Response:
    inputs = [one for one in action.inputs if one.is_available(subject.value)]
    saved = {name: text for one in inputs for name, text in one.values(subject.value).items()}
    typed = saved if refusal is None else {name: call.form.get(name, "") for name in saved}
    errors = {} if refusal is None else {getattr(refusal, "name", ""): refusal.message}
    overtaken = None
    if isinstance(refusal, ChangedMeanwhile) and action.edits is not None:
        if inputs:
            errors = {"": conflicts.MESSAGE}
        differing = [
            (one.label, one.label_of(call.language, one.shown(subject.value)))
            for one in inputs
            if any(typed[name] != text for name, text in one.values(subject.value).items())
        ]
        overtaken = conflict(call, action.edits.record(subject.value), differing)
    return page(
        call,
        "admin/action.html",
        status_code=200 if refusal is None else refusal.status_code,
        here=here,
        subject=subject,
        action=action,
        part=None if action.part is None else action.part(call, subject.value),
        inputs=inputs,
        typed=typed,
        why=call.form.get("why", ""),
        idempotency_key=_key_of(call, refusal),
        version="" if action.edits is None else version_of(action.edits.value(subject.value)),
        errors=errors,
        overtaken=overtaken,
    )
