"""Imports of users from a file of CSV or JSON lines: start one, follow it, and read which rows failed."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from provider.accounts.importing.files import UnreadableFile
from provider.accounts.roles.permissions import Permission
from provider.admin.filters import query_flag
from provider.admin.operation import Resource, begin, by_operator
from provider.admin.paging import NEXT, PAGED, next_of, query_page
from provider.api.bodies import Body, File
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.operators.imports import jobs, store
from provider.operators.imports.jobs import NotChecked
from provider.operators.imports.parts import MAX_FILE, find_failures
from provider.refusals import NotFound
from provider.web.bodies import MAX_BODY
from provider.web.call import Call

OPTIONS = {
    "dry_run": "true to check the file and change nothing. POST /imports/{import_id}/start then starts the import.",
    "update": "true to update the profile and roles of existing users. Otherwise they are skipped.",
    "invite": "true to email an invitation to new users without a password hash.",
}


class NoSuchImport(NotFound):
    code = "no-such-import"
    title = Text("Import not found")
    message = Text("There is no import with this ID. Imports are kept for 30 days after they end.")


class UsersFile(File):
    media_types: ClassVar[tuple[str, ...]] = ("text/csv", "application/jsonl", "application/x-ndjson")
    max_body: ClassVar[int] = MAX_FILE + MAX_BODY  # larger than a file may be, so that the refusal can say so


class Import(Body):
    """An import of users. While it is `checking` or `checked`, the counts say what it would do."""

    id: str = Field(description="The import's ID.")
    state: str = Field(
        description="`checking`, `checked` (not started), `running`, `done`, `stopped`, `failed` (the operator no "
        "longer has the permission) or `expired` (not started within a day)."
    )
    update: bool = Field(description="Whether existing users are updated. Otherwise they are skipped.")
    invite: bool = Field(description="Whether new users without a password hash are emailed an invitation.")
    total: int = Field(description="The number of rows.")
    created: int = Field(description="How many users were created so far.")
    updated: int = Field(description="How many existing users were updated so far.")
    skipped: int = Field(description="How many existing users were skipped so far.")
    failed: int = Field(description="How many rows failed so far. GET /imports/{import_id}/failures lists them.")
    created_at: datetime = Field(description="When the file was uploaded.")
    finished_at: datetime | None = Field(None, description="When the import ended.")


class Imports(Body):
    """A page of imports."""

    imports: list[Import] = Field(description="The imports, the latest first.")
    next: str | None = Field(None, description=NEXT)


class FailedRow(Body):
    """A row that failed."""

    line: int = Field(description="The line in the file where the row begins.")
    email: str = Field(description="The email address in the row, or an empty string.")
    problem: str = Field(description="Why it failed, in English.")


class FailedRows(Body):
    """A page of rows that failed."""

    failures: list[FailedRow] = Field(description="The rows, in the order of the file.")
    next: str | None = Field(None, description=NEXT)


def _import(call: Call) -> store.Import:
    """Return the import named by the path. Raises NoSuchImport."""
    import_id = parse_id(call.path_params["import_id"])
    one = None if import_id is None else store.find(call.work.read, import_id)
    if one is None:
        raise NoSuchImport
    return one


IMPORT = Resource(lambda call: store.lock(call.work.db, _import(call).id), lambda call: _shown(_import(call)))


@by_operator(
    needs=Permission.USERS_WRITE,
    of=IMPORT,
    takes=UsersFile,
    gives=Import,
    status=201,
    problems=(UnreadableFile,),
    asks=OPTIONS,
    asks_others=True,
)
def create_import(call: Call, operator: Operator, body: UsersFile) -> Import:
    """Create an import of users. Send CSV with a header, or JSON lines, of at most 16 MB and 200,000 rows. The columns
    are those of `signet user import`. The import runs in the background: GET /imports/{import_id} shows its state.
    """
    import_id = jobs.upload(
        call.work,
        content=body.content,
        permissions=operator.permissions,
        update=query_flag(call, "update"),
        invite=query_flag(call, "invite"),
        dry_run=query_flag(call, "dry_run"),
        before_writing=lambda: begin(call),
    )
    return _of_id(call, import_id)


@by_operator(needs=Permission.USERS_READ, gives=Imports, asks=PAGED)
def list_imports(call: Call, _operator: Operator, _body: Body) -> Imports:
    """List imports. The latest comes first. They are kept for 30 days after they end."""
    page = query_page(call, "imports")
    after = None if page.after is None else (datetime.fromisoformat(page.after["at"]), str(page.after["id"]))
    found = store.find_recent(call.work.read, after=after, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Imports(
        imports=[_shown(one) for one in shown],
        next=next_of(call, "imports", at=shown[-1].created_at.isoformat(), id=shown[-1].id) if more else None,
    )


@by_operator(needs=Permission.USERS_READ, of=IMPORT, gives=Import, problems=(NoSuchImport,))
def show_import(call: Call, _operator: Operator, _body: Body) -> Import:
    """Get an import. It shows the state and how many rows are done."""
    return _shown(_import(call))


@by_operator(needs=Permission.USERS_READ, gives=FailedRows, asks=PAGED, problems=(NoSuchImport,))
def list_failures(call: Call, _operator: Operator, _body: Body) -> FailedRows:
    """List failed rows of an import. After a dry run, these are the rows that would fail."""
    one = _import(call)
    page = query_page(call, f"imports/{one.id}")
    after = (0, 0) if page.after is None else (int(page.after["part"]), int(page.after["row"]))
    failures, further = find_failures(call.work, one.id, after=after, limit=page.limit)
    return FailedRows(
        failures=[FailedRow(line=each.line, email=each.email, problem=each.problem) for each in failures],
        next=None if further is None else next_of(call, f"imports/{one.id}", part=further[0], row=further[1]),
    )


@by_operator(needs=Permission.USERS_WRITE, of=IMPORT, gives=Import, problems=(NoSuchImport, NotChecked))
def start_import(call: Call, _operator: Operator, _body: Body) -> Import:
    """Start an import after its dry run. Has no effect if it is running."""
    one = _import(call)
    jobs.start(call.work, one.id)
    return _of_id(call, one.id)


@by_operator(needs=Permission.USERS_WRITE, of=IMPORT, gives=Import, problems=(NoSuchImport,))
def stop_import(call: Call, _operator: Operator, _body: Body) -> Import:
    """Cancel an import. This also discards a dry run. Users who are imported already stay."""
    one = _import(call)
    jobs.stop(call.work, one.id)
    return _of_id(call, one.id)


def _of_id(call: Call, import_id: str) -> Import:
    found = store.find(call.work.db, import_id)
    if found is None:
        raise NoSuchImport
    return _shown(found)


def _shown(one: store.Import) -> Import:
    return Import(
        id=one.id,
        state=one.state,
        update=one.updates,
        invite=one.invites,
        total=one.total,
        created=one.created,
        updated=one.updated,
        skipped=one.skipped,
        failed=one.failed,
        created_at=one.created_at,
        finished_at=one.finished_at,
    )
