"""Rejected protocol requests and their reasons, by the error id that the page or response showed."""

from datetime import datetime

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.filters import query_text
from provider.admin.operation import Resource, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.languages.text import Text
from provider.oauth.explanations import find_explanation, find_latest
from provider.refusals import NotFound
from provider.web.call import Call


class NoSuchRefusal(NotFound):
    code = "no-such-refusal"
    title = Text("Rejected request not found")
    message = Text(
        "No rejected request with this error ID was found. How long rejected requests are kept is set by"
        " SIGNET_REJECTED_REQUEST_RETENTION."
    )


class Check(Body):
    """One check of a request."""

    name: str = Field(description="What was checked.")
    passed: bool = Field(description="Whether the check passed.")
    section: str = Field(description="The section of the specification.")
    expected: str = Field(description="What was expected.")
    got: str = Field(description="What was received.")
    fix: str = Field(description="How to fix it.")


class RejectedRequest(Body):
    """A protocol request that was rejected."""

    error_id: str = Field(description="The error ID, which the error page or response showed.")
    at: datetime = Field(description="When the request was rejected.")
    endpoint: str = Field(description="The endpoint that rejected it.")
    client_id: str | None = Field(None, description="The client_id in the request.")
    network: str = Field(description="The network the request came from.")
    error: str = Field(description="The OAuth error code.")
    description: str = Field(description="The error description.")


class ExplainedRequest(RejectedRequest):
    """A rejected request with each check."""

    checks: list[Check] = Field(description="The checks, in order.")


class RejectedRequests(Body):
    """A page of rejected requests."""

    refusals: list[RejectedRequest] = Field(description="The rejected requests, the newest first.")
    next: str | None = Field(None, description=NEXT)


@by_operator(
    needs=Permission.REQUESTS_READ,
    gives=RejectedRequests,
    asks={"client": "Only requests of this client_id.", **PAGED},
    problems=(InvalidBody,),
)
def list_refusals(call: Call, _operator: Operator, _body: Body) -> RejectedRequests:
    """List rejected requests. Those of the last 7 days are listed without their checks; the newest comes first."""
    page = query_page(call, "refusals")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), page.after["id"])
    found = find_latest(call.work, client_id=query_text(call, "client"), after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    place = {"at": shown[-1].at.isoformat(), "id": shown[-1].error_id} if more else {}
    return RejectedRequests(
        refusals=[
            RejectedRequest(**{name: getattr(row, name) for name in RejectedRequest.model_fields}) for row in shown
        ],
        next=next_of(call, "refusals", **place) if more else None,
    )


def _show(call: Call) -> ExplainedRequest:
    error_id = call.path_params["error_id"]
    found = find_explanation(call.work, error_id) if error_id.isprintable() else None
    if found is None:
        raise NoSuchRefusal
    checks = [Check.model_validate(check) for check in found.checks]
    return ExplainedRequest(**{**vars(found), "checks": checks})


REFUSAL = Resource(lambda _call: None, _show)


@by_operator(needs=Permission.REQUESTS_READ, of=REFUSAL, gives=ExplainedRequest, problems=(NoSuchRefusal,))
def show_refusal(call: Call, _operator: Operator, _body: Body) -> ExplainedRequest:
    """Get a rejected request. Each check says what was expected, what was received, and how to fix it."""
    return _show(call)
