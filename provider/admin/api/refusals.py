"""Rejected protocol requests and their reasons, by the error id that the page or response showed."""

from datetime import datetime

from pydantic import Field

from provider.admin.filters import asked_text
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, asked_page, next_of
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.oauth.explanations import find_explanation, find_latest
from provider.refusals import NotFound
from provider.web.call import Call


class NoSuchRefusal(NotFound):
    code = "no-such-refusal"
    title = Text("Rejected request not found")
    message = Text("No rejected request with this error ID was found. Rejected requests are kept for 7 days.")


class Check(Body):
    name: str
    passed: bool
    section: str = Field(description="Of the specification.")
    expected: str
    got: str
    fix: str


class ExplainedRefusal(Body):
    error_id: str
    at: datetime
    endpoint: str
    client_id: str | None = None
    network: str
    error: str
    description: str
    checks: list[Check]


class Refused(Body):
    error_id: str
    at: datetime
    endpoint: str
    client_id: str | None = None
    network: str
    error: str
    description: str


class Refusals(Body):
    refusals: list[Refused]
    next: str | None = Field(None, description=NEXT)


@by_operator(reads=True, gives=Refusals, asks={"client": "Of this client_id.", **PAGED}, problems=(InvalidBody,))
def list_refusals(call: Call, _operator: Operator, _body: Body) -> Refusals:
    """List the rejected requests of the last week, the newest first, without their checks."""
    page = asked_page(call, "refusals")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), page.after["id"])
    found = find_latest(call.work, client_id=asked_text(call, "client"), after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    place = {"at": shown[-1].at.isoformat(), "id": shown[-1].error_id} if more else {}
    return Refusals(
        refusals=[Refused(**{name: getattr(row, name) for name in Refused.model_fields}) for row in shown],
        next=next_of(call, "refusals", **place) if more else None,
    )


def _show(call: Call) -> ExplainedRefusal:
    error_id = call.path_params["error_id"]
    found = find_explanation(call.work, error_id) if error_id.isprintable() else None
    if found is None:
        raise NoSuchRefusal
    checks = [Check.model_validate(check) for check in found.checks]
    return ExplainedRefusal(**{**vars(found), "checks": checks})


REFUSAL = Resource(lambda _call: None, _show)


@by_operator(reads=True, of=REFUSAL, gives=ExplainedRefusal, problems=(NoSuchRefusal,))
def show_refusal(call: Call, _operator: Operator, _body: Body) -> ExplainedRefusal:
    """Get a rejected request with each check: what was expected and what was received."""
    return _show(call)
