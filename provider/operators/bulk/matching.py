"""Actions on all users that match a search and filters: one run, which jobs of the outbox carry out in steps.

Each step changes a few users and saves its place in the same transaction. So a run that is interrupted continues where
it was, no user is counted twice, and a filter that matches a million queues one job at a time.
"""

import time
from collections.abc import Mapping
from typing import Any

from provider.accounts import search
from provider.accounts.roles.permissions import Permission, Permissions
from provider.accounts.store.users import users
from provider.accounts.users import NoSuchUser
from provider.audit.events import Event
from provider.audit.log import record
from provider.operator_names import OperatorName
from provider.operators import authority
from provider.operators.bulk import actions as bulk
from provider.operators.bulk import runs as bulk_runs
from provider.operators.bulk.runs import Run, RunState
from provider.operators.lists.listing import Conditions, InvalidFilter, Place, place_as_json, place_from_json
from provider.operators.lists.users import USERS
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.refusals import Refusal
from provider.work import SYSTEM, Installation, UnitOfWork, unit_of_work

AT_ONCE = 20
"""How many users are changed in one transaction."""
SECONDS = 20.0
"""How long a job continues a run before it leaves the rest to the next job. Less than the lease of a job."""
COUNTED = 1_000_000
"""How many users are counted exactly before a run starts."""

__all__ = ["begin_at", "carry_out", "conditions_of", "start", "stop"]


def conditions_of(work: UnitOfWork, values: Mapping[str, str], *, operator_id: str) -> Conditions:
    """Return the conditions for the users of a run that this operator starts: the filters, but not the operator. Raises
    InvalidFilter.
    """
    return [*USERS.require_conditions(work, values), users.c.id != operator_id]


def begin_at(work: UnitOfWork, text: str, *, saw_domain: bool = False) -> Place | None:
    """Return where a run for this search begins. If the text is a domain that has users, or had when the operator saw
    them (`saw_domain`), the run is for the domain until its end. Otherwise it would take users of whom an address only
    contains the text as soon as another run has deleted the domain's.
    """
    return search.OF_DOMAIN if search.is_of_domain(work, text, had_users=saw_domain) else None


def start(
    work: UnitOfWork,
    *,
    run_id: str,
    action: str,
    value: str,
    text: str,
    filters: Mapping[str, str],
    operator_id: str,
    total: int,
    place: Place | None = None,
) -> None:
    """Start a run of a bulk action (a key of `bulk.ACTIONS`), unless there is one with this id.

    `place` is where it begins (`begin_at`). The audit events name the operator and the reason that the origin of this
    transaction has.
    """
    if bulk_runs.find(work.db, run_id) is not None:
        return
    job_id = _enqueue(work, run_id, action, total)
    run = Run(
        id=run_id,
        action=action,
        value=value,
        text=text,
        filters=dict(filters),
        operator_id=operator_id,
        why=work.origin.why,
        created_at=work.now,
        state=RunState.RUNNING,
        finished_at=None,
        place=None if place is None else place_as_json(place),
        job_id=job_id,
        total=total,
        done=0,
        failed=0,
        failures=[],
    )
    bulk_runs.add(work.db, run)
    asked = {"q": text, **filters} if text else dict(filters)
    record(work, Event.BULK_STARTED, run=run_id, action=action, filters=asked, count=total)


def stop(work: UnitOfWork, run_id: str) -> None:
    """Stop a run after its present step. Has no effect if it has ended."""
    run = bulk_runs.lock(work.db, run_id)
    if run is not None and run.state == RunState.RUNNING:
        bulk_runs.finish(work.db, run_id, state=RunState.STOPPED, now=work.now)
        record(work, Event.BULK_STOPPED, run=run_id, action=run.action, done=run.done, failed=run.failed)


def carry_out(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Continue a run for SECONDS, and queue the next job for what is left."""
    until = time.monotonic() + SECONDS
    while _step(installation, payload["run"], is_last=time.monotonic() >= until):
        pass


def _step(installation: Installation, run_id: str, *, is_last: bool) -> bool:
    """Change the next users of a run. Returns whether this job is to continue."""
    with unit_of_work(installation) as work:
        run = bulk_runs.lock(work.db, run_id)
        if run is None or run.state != RunState.RUNNING:
            return False
        work.origin = SYSTEM.of_operator(OperatorName.user(run.operator_id), why=run.why)
        permissions = authority.find_permissions(work, run.operator_id)
        if Permission.USERS_WRITE not in permissions:
            bulk_runs.finish(work.db, run_id, state=RunState.FAILED, now=work.now)
            return False
        try:
            asked = conditions_of(work, run.filters, operator_id=run.operator_id)
        except InvalidFilter as invalid:  # such as a deleted attribute: without the filter, all users would match
            bulk_runs.fail(work.db, run, str(invalid.problem), now=work.now)
            return False
        # Users who signed up later are left alone: nobody saw them in the list.
        conditions = [*asked, users.c.created_at <= run.created_at]
        order, after = USERS.by_key, None
        if run.place is not None:
            after = (run.place[0], run.place[1]) if run.text else place_from_json(order, run.place)
        keys, further = USERS.find_page(work, run.text, conditions, order=order, after=after, limit=AT_ONCE)
        failures = _change(work, run, permissions, sorted(keys))
        place = None if further is None else place_as_json(further)
        bulk_runs.advance(work.db, run, place=place, done=len(keys) - len(failures), failures=failures)
        if further is None:
            bulk_runs.finish(work.db, run_id, state=RunState.DONE, now=work.now)
        elif is_last:
            bulk_runs.set_job(work.db, run_id, _enqueue(work, run_id, run.action, run.total))
        return further is not None and not is_last


def _change(work: UnitOfWork, run: Run, permissions: Permissions, user_ids: list[str]) -> list[list[str]]:
    """Carry out the action on these users, in the order of their ids. Returns those it failed for, with the reasons."""
    failures = []
    for user_id in user_ids:
        try:
            authority.require_user(work, permissions, user_id)
            bulk.ACTIONS[run.action](work, bulk.Job(user_id, run.value, permissions))
        except NoSuchUser:
            continue  # deleted meanwhile: nothing is left to do
        except Refusal as refusal:
            failures.append([user_id, str(refusal.message)])
    return failures


def _enqueue(work: UnitOfWork, run_id: str, action: str, total: int) -> str:
    return messages.enqueue(
        work, Topic.BULK_MATCHING, {"run": run_id}, about=f"{action.replace('-', '_')} to {total} users"
    )
