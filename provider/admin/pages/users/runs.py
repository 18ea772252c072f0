"""Recent imports and changes to many users, and what their pages share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.pages.users.selected import ACTIONS
from provider.languages.text import Text
from provider.oauth.clients.clients import find_client
from provider.operator_names import OperatorKind, OperatorName
from provider.operators.bulk import runs as bulk_runs
from provider.operators.imports import store as imports
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

STATES: Mapping[str, Text] = {
    "checking": Text("checking"),
    "checked": Text("not started"),
    "running": Text("running"),
    "done": Text("finished"),
    "stopped": Text("stopped"),
    "failed": Text("failed"),
    "expired": Text("expired"),
}
"""The states of imports and of bulk runs in words."""


@dataclass(frozen=True)
class Listed:
    """An import or a bulk run in the list."""

    id: str
    url: str
    title: str
    state: str
    done: int
    failed: int
    total: int
    created_at: datetime
    operator: str


@endpoint
def list_runs(call: Call) -> Response:
    """List imports and changes to many users, the latest first: GET /admin/users/runs."""
    require_operator(call, Permission.USERS_READ)
    place = place_on(call, "runs")
    after = None if place is None else (datetime.fromisoformat(place[0]), str(place[1]))
    db = call.work.read
    found = [_of_run(run) for run in bulk_runs.find_recent(db, after=after, limit=AT_ONCE + 1)]
    found += [_of_import(one) for one in imports.find_recent(db, after=after, limit=AT_ONCE + 1)]
    found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    shown, more = found[:AT_ONCE], len(found) > AT_ONCE
    return page(
        call,
        "admin/runs.html",
        runs=shown,
        states=STATES,
        names=operator_names(call, {one.operator for one in shown}),
        further=next_page(call, "runs", (shown[-1].created_at.isoformat(), shown[-1].id) if more else None),
    )


def operator_names(call: Call, operators: set[str]) -> dict[str, tuple[str, str | None]]:
    """Return the name and the URL of each operator, as `str` of an OperatorName. A URL is None if it is gone."""
    parsed = {one: OperatorName.parse(one) for one in operators}
    ids = [operator.id for operator in parsed.values() if operator.kind == OperatorKind.USER]
    emails = {each.user.id: each.email or each.user.id for each in overview.describe(call.work, ids)}
    names: dict[str, tuple[str, str | None]] = {}
    for one, operator in parsed.items():
        if operator.kind == OperatorKind.USER:
            known = emails.get(operator.id)
            names[one] = known or operator.id, None if known is None else f"/admin/users/{operator.id}"
        else:
            client = find_client(call.work, operator.id)
            names[one] = (client.metadata.client_name if client else None) or operator.id, None
    return names


def is_stuck(call: Call, job_id: str | None) -> bool:
    """Return whether the job of a run failed or was canceled, so that nothing continues it."""
    job = None if job_id is None else outbox.find_one(call.work.read, job_id)
    return job is None or job.state in {DeliveryState.FAILED, DeliveryState.CANCELLED}


def _of_run(run: bulk_runs.Run) -> Listed:
    action = ACTIONS.get(run.action)
    return Listed(
        id=run.id,
        url=f"/admin/users/changes/{run.id}",
        title=action.title if action else run.action,
        state=run.state,
        done=run.done + run.failed,
        failed=run.failed,
        total=run.total,
        created_at=run.created_at,
        operator=str(OperatorName.user(run.operator_id)),
    )


def _of_import(one: imports.Import) -> Listed:
    return Listed(
        id=one.id,
        url=f"/admin/users/imports/{one.id}",
        title=Text("Import users"),
        state=one.state,
        done=one.done,
        failed=one.failed,
        total=one.total,
        created_at=one.created_at,
        operator=one.operator,
    )
