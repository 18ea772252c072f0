"""Actions on all users that match the filters of the list: described first, then started as one run with progress."""

from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import operator_of, require_operator
from provider.admin.pages.actions import InvalidInput, record_reason
from provider.admin.pages.lists import Asked, asked_of
from provider.admin.pages.users.runs import STATES, is_stuck
from provider.admin.pages.users.selected import ACTIONS, BulkAction, require_role, role_names
from provider.database.base import new_id, parse_id
from provider.operators.bulk import matching as bulk_matching
from provider.operators.bulk import runs as bulk_runs
from provider.operators.lists.listing import Count, Place
from provider.operators.lists.users import USERS
from provider.outbox.topics import Topic
from provider.refusals import NotFound
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/admin/users"
SHOWN = 10
"""How many of the users the confirmation page shows."""


@endpoint
def act_on_matching_users(call: Call) -> Response:
    """Say what an action will do to all users that match (GET), or start it (POST):
    /admin/users/matching?action=&q=, with the filters of the list.

    The operator's own account is left out.
    """
    operator = require_operator(call, Permission.USERS_WRITE)
    name = call.query.get("action", "")
    action, asked = ACTIONS.get(name), asked_of(call, USERS)
    if action is None or asked.problems:
        raise NotFound
    conditions = bulk_matching.conditions_of(call.work, asked.values, operator_id=operator.user_id)
    place = bulk_matching.begin_at(call.work, asked.text, saw_domain=call.form.get("domain") == "yes")
    count = USERS.count(call.work, asked.text, conditions, most=bulk_matching.COUNTED, after=place)
    if call.method in {"GET", "HEAD"} or not count.number:
        return _ask(call, action, asked, count, place)
    value = call.form.text("value") if action.asks else ""
    try:
        record_reason(call)
        if action.asks:
            require_role(operator, value, is_given=name == "add-role")
    except InvalidInput as refusal:
        return _ask(call, action, asked, count, place, refusal=refusal)
    run_id = parse_id(call.form.get("run", "")) or new_id()
    bulk_matching.start(
        call.work,
        run_id=run_id,
        action=name,
        value=value,
        text=asked.text,
        filters=asked.values,
        operator_id=operator.user_id,
        total=count.number,
        place=place,
    )
    return go(f"{PATH}/changes/{run_id}")


@endpoint
def show_run(call: Call) -> Response:
    """Show how far a change to many users has come: GET /admin/users/changes/{run_id}."""
    operator = require_operator(call, Permission.USERS_READ)
    run = _find(call)
    failed = {user_id: reason for user_id, reason in run.failures if user_id}
    is_running = run.state == bulk_runs.RunState.RUNNING
    names = {one.user.id: one.email for one in overview.describe(call.work, list(failed))}
    return page(
        call,
        "admin/user_change.html",
        run=run,
        action=ACTIONS.get(run.action),
        state=STATES[run.state],
        failed=[(user_id, names.get(user_id) or user_id, reason) for user_id, reason in failed.items()],
        starter=_email(call, run.operator_id),
        is_running=is_running,
        is_stuck=is_running and is_stuck(call, run.job_id),
        list_url=PATH + _query({"q": run.text, **run.filters}),
        outbox_url="/admin/outbox" + _query({"topic": Topic.BULK_MATCHING}),
        may_stop=operator.may(Permission.USERS_WRITE),
    )


@endpoint
def stop_run(call: Call) -> Response:
    """Stop a change to many users: POST /admin/users/changes/{run_id}."""
    require_operator(call, Permission.USERS_WRITE)
    run = _find(call)
    bulk_matching.stop(call.work, run.id)
    return go(f"{PATH}/changes/{run.id}")


def _find(call: Call) -> bulk_runs.Run:
    run_id = parse_id(call.path_params["run_id"])
    run = None if run_id is None else bulk_runs.find(call.work.read, run_id)
    if run is None:
        raise NotFound
    return run


def _query(values: dict[str, str]) -> str:
    given = {name: value for name, value in values.items() if value}
    return f"?{urlencode(given)}" if given else ""


def _email(call: Call, user_id: str) -> str:
    described = overview.describe(call.work, [user_id])
    return (described[0].email if described else None) or user_id


def _ask(
    call: Call,
    action: BulkAction,
    asked: Asked,
    count: Count,
    place: Place | None,
    *,
    refusal: InvalidInput | None = None,
) -> Response:
    conditions = bulk_matching.conditions_of(call.work, asked.values, operator_id=operator_of(call).user_id)
    keys, _ = USERS.find_page(call.work, asked.text, conditions, order=asked.order, after=place, limit=SHOWN)
    return page(
        call,
        "admin/matching_users.html",
        status_code=200 if refusal is None else refusal.status_code,
        action=action,
        asked=asked,
        count=count,
        users=overview.describe(call.work, keys),
        list_url=PATH + (f"?{asked.filters}" if asked.filters else ""),
        run=call.form.get("run") or new_id(),
        is_of_domain=place is not None,
        value=call.form.get("value", ""),
        suggested=role_names(call) if action.asks else [],
        why=call.form.get("why", ""),
        errors={} if refusal is None else {refusal.name: refusal.message},
    )
