"""Imports as jobs of the outbox: a dry run first, then the import itself.

Each step handles one part of the file and saves its place in the same transaction. So an import that is interrupted
continues where it was, and no row is imported twice.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provider.accounts.importing.files import Row
from provider.accounts.roles.permissions import EVERYTHING, Permission, Permissions
from provider.audit.events import Event
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.database.base import new_id
from provider.database.outages import TransactionConflict
from provider.languages.text import Text
from provider.oauth.clients.clients import find_client
from provider.oauth.scopes import ADMIN_WRITE, parse_scope
from provider.operator_names import OperatorKind, OperatorName
from provider.operators import authority
from provider.operators.imports import store
from provider.operators.imports.parts import open_rows, read_parts, seal_rows, with_failures
from provider.operators.imports.rows import Options, Outcome, Result, import_part
from provider.operators.imports.store import Import, Part, State
from provider.outbox import messages
from provider.outbox.relay import PermanentFailure
from provider.outbox.topics import Topic
from provider.refusals import Refusal
from provider.work import SYSTEM, Installation, UnitOfWork, unit_of_work

SECONDS = 20.0
"""How long a job continues an import before it leaves the rest to the next job. Less than the lease of a job."""
SECONDS_OF_REQUEST = 1.0
"""How long a request checks rows itself, so that a small file is checked when its page opens."""
RETRIES = 5
"""How often a step is repeated that lost against another transaction."""


class NotChecked(Refusal):
    """An import that can't be started, because it isn't checked yet or has started or ended already."""

    code = "import-not-checked"
    status_code = 409
    title = Text("Import can't be started")
    message = Text("Only an import that is checked and not started yet can be started.")


def upload(
    work: UnitOfWork,
    *,
    content: bytes,
    permissions: Permissions,
    update: bool,
    invite: bool,
    dry_run: bool = True,
    before_writing: Callable[[], object] = lambda: None,
) -> str:
    """Store a file and begin its check, or, without `dry_run`, its import. Returns the ID of the import.

    The import acts for the operator of this transaction, who has these permissions. `before_writing` is called after
    the slow work. Raises UnreadableFile.
    """
    import_id = new_id()
    one = Import(
        id=import_id,
        state=State.CHECKING if dry_run else State.RUNNING,
        operator=_operator_of(work),
        why=work.origin.why,
        created_at=work.now,
        changed_at=work.now,
        finished_at=None,
        updates=update,
        invites=invite,
        total=0,
        place=0,
        created=0,
        updated=0,
        skipped=0,
        failed=0,
        job_id=None,
    )
    options = _options(one, permissions)
    parts: list[Part] = []
    counts, place, total = Counter[Outcome](), 0, 0
    until = time.monotonic() + SECONDS_OF_REQUEST
    for number, rows in enumerate(read_parts(content)):
        total += len(rows)
        part = Part(import_id, number, seal_rows(work.vault, import_id, number, rows), None, 0)
        if dry_run and place == number and time.monotonic() < until:
            results = import_part(work, rows, options)
            part = with_failures(work.vault, part, results)
            counts.update(one.outcome for one in results)
            place = number + 1
        parts.append(part)
    before_writing()
    is_checked = place == len(parts)
    job_id = None if is_checked else _enqueue(work, import_id, total)
    state = State.CHECKED if is_checked else one.state
    one = Import(**{**vars(one), **_counted(counts), "state": state, "total": total, "place": place, "job_id": job_id})
    store.add(work.db, one, parts)
    if not dry_run:
        _record_start(work, one)
    return import_id


def start(work: UnitOfWork, import_id: str) -> None:
    """Start an import that is checked, for the operator of this transaction. Has no effect on one that runs already.
    Raises NotChecked.
    """
    one = store.lock(work.db, import_id)
    if one is None or one.state == State.RUNNING:
        return
    if one.state != State.CHECKED:
        raise NotChecked
    values: dict[str, Any] = {
        "state": State.RUNNING,
        "operator": _operator_of(work),
        "why": work.origin.why,
        "place": 0,
        **_counted({}),
        "job_id": _enqueue(work, import_id, one.total),
    }
    store.change(work.db, import_id, now=work.now, **values)
    store.forget_failures(work.db, import_id)
    _record_start(work, one)


def stop(work: UnitOfWork, import_id: str) -> None:
    """Stop an import after its present step, or discard one that is checked. Has no effect if it has ended."""
    one = store.lock(work.db, import_id)
    if one is None or one.state not in store.OPEN:
        return
    store.finish(work.db, import_id, state=State.STOPPED, now=work.now)
    if one.state == State.RUNNING:
        done = one.done - one.failed
        record(work, Event.IMPORT_STOPPED, run=one.id, done=done, failed=one.failed)


def carry_out(installation: Installation, job_id: str, payload: dict[str, Any]) -> None:
    """Continue an import for SECONDS, and queue the next job for what is left. Raises PermanentFailure."""
    until = time.monotonic() + SECONDS
    try:
        while _repeated(lambda: _step(installation, payload["import"], job_id, is_last=time.monotonic() >= until)):
            pass
    except VaultError as error:
        raise PermanentFailure("the rows cannot be decrypted with the configured secret keys") from error


def preview(work: UnitOfWork, one: Import, permissions: Permissions, *, limit: int) -> list[tuple[Row, Result]]:
    """Return the first rows of an import that has not started, with what it would do to each. Raises VaultError."""
    part = store.find_part(work.read, one.id, 0)
    rows = [] if part is None else open_rows(work.vault, part)[:limit]
    options = _options(one, permissions, dry_run=True)
    return list(zip(rows, import_part(work, rows, options), strict=True))


def _repeated(step: Callable[[], bool]) -> bool:
    """Return the result of a step. One that lost against another transaction is repeated."""
    for _ in range(RETRIES):
        try:
            return step()
        except TransactionConflict:
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311  # so that two do not meet again
    return step()


def _step(installation: Installation, import_id: str, job_id: str, *, is_last: bool) -> bool:
    """Check or import the next part. Returns whether this job is to continue."""
    with unit_of_work(installation) as work:
        seen = store.find(work.read, import_id)
        if seen is None or seen.state not in {State.CHECKING, State.RUNNING} or seen.job_id != job_id:
            return False  # ended, or a later job continues it
        operator = OperatorName.parse(seen.operator)
        work.origin = SYSTEM.of_operator(operator, why=seen.why)
        permissions = _permissions_now(work, operator)
        part = store.find_part(work.read, import_id, seen.place)
        rows = [] if part is None else open_rows(work.vault, part)
        options = _options(seen, permissions)
        is_check = seen.state == State.CHECKING
        results = import_part(work, rows, options) if is_check else []  # before the first write
        one = store.lock(work.db, import_id)
        if one != seen:
            return True  # stopped, or the same job is delivered twice: look again
        if Permission.USERS_WRITE not in permissions:
            store.finish(work.db, import_id, state=State.FAILED, now=work.now)
            return False
        if not is_check:
            results = import_part(work, rows, options)
        if part is not None:
            kept = with_failures(work.vault, part, results)
            store.set_part(work.db, kept if is_check else replace(kept, rows=None))
        return _advance(work, one, results, is_last=is_last)


def _advance(work: UnitOfWork, one: Import, results: Sequence[Result], *, is_last: bool) -> bool:
    """Save how far the import has come, and queue the next job or end it. Returns whether this job is to continue."""
    store.advance(work.db, one, _counted(Counter(result.outcome for result in results)), now=work.now)
    if one.done + len(results) < one.total and results:
        if is_last:
            store.change(work.db, one.id, now=work.now, job_id=_enqueue(work, one.id, one.total))
        return not is_last
    if one.state == State.CHECKING:
        store.change(work.db, one.id, now=work.now, state=State.CHECKED)
    else:
        store.finish(work.db, one.id, state=State.DONE, now=work.now)
        failed = one.failed + sum(result.outcome == Outcome.FAILED for result in results)
        record(work, Event.IMPORT_FINISHED, run=one.id, done=one.total - failed, failed=failed)
    return False


def _operator_of(work: UnitOfWork) -> str:
    """Return the operator of this transaction, as an import stores it."""
    assert work.origin.operator is not None, "only operators import"  # noqa: S101  # a bug, not input
    return str(work.origin.operator)


def _permissions_now(work: UnitOfWork, operator: OperatorName) -> Permissions:
    """Return the permissions that the operator of an import has now."""
    if operator.kind == OperatorKind.USER:
        return authority.find_permissions(work, operator.id)
    client = find_client(work, operator.id)
    may = client is not None and not client.disabled and ADMIN_WRITE in parse_scope(client.metadata.scope)
    return EVERYTHING if may else frozenset()


def _options(one: Import, permissions: Permissions, *, dry_run: bool | None = None) -> Options:
    is_check = one.state == State.CHECKING if dry_run is None else dry_run
    return Options(permissions=permissions, update=one.updates, invite=one.invites, dry_run=is_check)


def _counted(counts: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}


def _record_start(work: UnitOfWork, one: Import) -> None:
    record(work, Event.IMPORT_STARTED, run=one.id, count=one.total, update=one.updates, invite=one.invites)


def _enqueue(work: UnitOfWork, import_id: str, total: int) -> str:
    return messages.enqueue(work, Topic.USER_IMPORT, {"import": import_id}, about=f"import of {total} users")
