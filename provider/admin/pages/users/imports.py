"""Importing users from a file: upload and dry run, one confirmation, then progress and a report of rows that failed."""

from collections.abc import Iterator

from starlette.responses import Response, StreamingResponse

from provider.accounts.importing.files import UnreadableFile
from provider.accounts.importing.rows import ACCOUNT_COLUMNS, COLUMNS
from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.actions import InvalidInput, record_reason
from provider.admin.pages.users.runs import STATES, is_stuck, operator_names
from provider.audit.events import Event
from provider.audit.export import as_rows
from provider.audit.log import record
from provider.crypto.vault import VaultError
from provider.database.base import parse_id
from provider.languages.catalogs import Language
from provider.languages.text import Text
from provider.operators.imports import jobs, store
from provider.operators.imports.jobs import NotChecked
from provider.operators.imports.parts import MAX_FILE, Failure, Place, find_failures
from provider.operators.imports.store import Import, State
from provider.outbox.topics import Topic
from provider.refusals import NotFound
from provider.web import errors as error_pages
from provider.web.bodies import MAX_BODY
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import TooLarge
from provider.web.pages import go, page
from provider.work import Installation, unit_of_work

NEEDS = Permission.USERS_WRITE
MEGABYTES = MAX_FILE // 1024 // 1024
EXAMPLE = "email,name,roles\nada@example.com,Ada Lovelace,staff\ngrace@example.com,Grace Hopper,\n"
PREVIEWED = 10
"""How many of the first rows are shown before an import."""
LISTED = 100
"""How many rows that failed are shown. The report has all."""
AT_ONCE = 500
"""How many failures the report reads in one transaction."""


def _render(call: Call, error: Exception) -> Response:
    """Render an error page. A file that is too large is rejected before it is read."""
    if isinstance(error, TooLarge):
        error = TooLarge(Text("The file is larger than %(size)s MB. Split it.", size=MEGABYTES))
    return error_pages.as_page(call, error)


@endpoint
def show_upload(call: Call) -> Response:
    """Show the form to upload a file of users: GET /admin/users/import."""
    require_operator(call, NEEDS)
    return _form(call)


@endpoint(max_body=MAX_FILE + MAX_BODY, render=_render)
def upload(call: Call) -> Response:
    """Check a file of users, and change nothing: POST /admin/users/import."""
    operator = require_operator(call, NEEDS)
    file, text = call.files.get("file", b""), call.form.get("text", "")
    if file and text.strip():
        return _form(call, errors={"text": Text("Choose a file or paste text, not both.")})
    field = "text" if text.strip() else "file"
    if not file and not text.strip():  # a browser sends an empty file if none is chosen
        return _form(call, errors={field: Text("Choose a file that is not empty, or paste text.")})
    try:
        import_id = jobs.upload(
            call.work,
            content=file or text.encode(),
            permissions=operator.permissions,
            update=call.form.get("update") is not None,
            invite=call.form.get("invite") is not None,
        )
    except UnreadableFile as refusal:
        return _form(call, errors={field: refusal.message})
    return go(_url(import_id))


@endpoint
def show_import(call: Call) -> Response:
    """Show what an import would do, or how far it has come: GET /admin/users/imports/{import_id}."""
    require_operator(call, Permission.USERS_READ)
    return _show(call, _find(call))


@endpoint
def act_on_import(call: Call) -> Response:
    """Start, stop or discard an import: POST /admin/users/imports/{import_id}."""
    require_operator(call, NEEDS)
    one = _find(call)
    if call.form.get("action") == "stop":
        jobs.stop(call.work, one.id)
        return go(_url(one.id))
    try:
        record_reason(call)
        jobs.start(call.work, one.id)
    except InvalidInput as refusal:
        return _show(call, one, refusal=refusal)
    except NotChecked:
        pass  # it ended meanwhile: its page says how
    return go(_url(one.id))


@endpoint
def download_failures(call: Call) -> Response:
    """Download the rows that failed as CSV: GET /admin/users/imports/{import_id}/failed.csv."""
    require_operator(call, Permission.USERS_READ)
    one = _find(call)
    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="failed-rows.csv"'}
    if call.method == "HEAD":
        return Response(headers=headers, media_type="text/csv")
    record(call.work, Event.LIST_EXPORTED, list="failed-rows", filters={"import": one.id})
    written = as_rows(_report(call.installation, one.id, call.language))
    return StreamingResponse(written, headers=headers, media_type="text/csv")


def _report(installation: Installation, import_id: str, language: Language) -> Iterator[list[object]]:
    yield ["line", "email", "reason"]
    place: Place | None = (0, 0)
    while place is not None:
        with unit_of_work(installation) as work:
            failures, place = find_failures(work, import_id, after=place, limit=AT_ONCE)
        for failure in failures:
            yield [failure.line, failure.email, language.say(failure.problem)]


def _url(import_id: str) -> str:
    return f"/admin/users/imports/{import_id}"


def _find(call: Call) -> Import:
    import_id = parse_id(call.path_params["import_id"])
    one = None if import_id is None else store.find(call.work.read, import_id)
    if one is None:
        raise NotFound
    return one


def _form(call: Call, *, errors: dict[str, str] | None = None) -> Response:
    return page(
        call,
        "admin/import.html",
        status_code=400 if errors else 200,
        megabytes=MEGABYTES,
        example=EXAMPLE,
        columns=COLUMNS,
        account_columns=ACCOUNT_COLUMNS,
        text=call.form.get("text", ""),
        update=call.form.get("update") is not None,
        invite=call.form.get("invite") is not None,
        link_lifetime=call.settings.invite_link_lifetime,
        errors=errors or {},
    )


def _show(call: Call, one: Import, *, refusal: InvalidInput | None = None) -> Response:
    operator = require_operator(call, Permission.USERS_READ)
    may_act = operator.may(NEEDS)
    is_open = one.state in {State.CHECKING, State.RUNNING}
    failures: list[Failure] = []
    rows, is_readable = [], True
    try:
        failures, _ = find_failures(call.work, one.id, limit=LISTED)
        if one.state == State.CHECKED and may_act:
            rows = jobs.preview(call.work, one, operator.permissions, limit=PREVIEWED)
    except VaultError:
        is_readable = False
    name, url = operator_names(call, {one.operator})[one.operator]
    return page(
        call,
        "admin/import_run.html",
        status_code=200 if refusal is None else refusal.status_code,
        run=one,
        state=STATES[one.state],
        is_open=is_open,
        is_stuck=is_open and is_stuck(call, one.job_id),
        is_readable=is_readable,
        rows=rows,
        failures=failures,
        starter=name,
        starter_url=url,
        may_act=may_act,
        link_lifetime=call.settings.invite_link_lifetime,
        outbox_url=f"/admin/outbox?topic={Topic.USER_IMPORT}",
        why=call.form.get("why", ""),
        errors={} if refusal is None else {refusal.name: refusal.message},
    )
