"""The user's data: download it, delete the account, or cancel the deletion."""

from starlette.responses import Response

from provider.accounts import data_export, deletion
from provider.accounts.deletion import DeletionNotPending
from provider.accounts.pages.guards import require_every_factor
from provider.accounts.store import email_addresses
from provider.languages.text import Text
from provider.sessions.cookie import forget_session
from provider.sessions.guards import require_user
from provider.sessions.store import Session
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

NOT_TICKED = Text("Tick the box to confirm that you want to delete your account.")


@endpoint
def data(call: Call) -> Response:
    require_user(call)
    return page(call, "accounts/data.html", days=call.settings.deletion_grace.days)


@endpoint
def export(call: Call) -> Response:
    session = require_every_factor(call)
    applications = call.services.export_applications(call.work, session.user_id)
    document = data_export.export(call.work, user_id=session.user_id, applications=applications)
    headers = {"content-disposition": 'attachment; filename="account.json"', "cache-control": "no-store"}
    return Response(document, media_type="application/json", headers=headers)


@endpoint
def show_delete(call: Call) -> Response:
    return _delete(call, require_every_factor(call))


@endpoint
def delete(call: Call) -> Response:
    session = require_every_factor(call)
    if call.form.get("sure") is None:
        return _delete(call, session, errors={"sure": NOT_TICKED}, status_code=400)
    deletion.request_deletion(call.work, user_id=session.user_id)
    forget_session(call)
    return go("/account-leaving")


@endpoint
def leaving(call: Call) -> Response:
    return page(call, "accounts/leaving.html", days=call.settings.deletion_grace.days)


@endpoint(form_on="/login", before_sign_in=True)
def keep(call: Call) -> Response:
    """Cancel the deletion: POST /keep-account.

    The form is on the page that the sign-in shows while the account waits to be deleted.
    """
    where = destination(call)
    try:
        deletion.keep(call.work, ticket=call.form.get("ticket"))
    except DeletionNotPending:
        return go(where.through("/login"))
    return page(call, "accounts/kept.html", where=where)


def _delete(call: Call, session: Session, *, errors: dict[str, str] | None = None, status_code: int = 200) -> Response:
    address = email_addresses.find_of_user(call.work.read, session.user_id)
    return page(
        call,
        "accounts/delete.html",
        status_code=status_code,
        address="" if address is None else address.address,
        days=call.settings.deletion_grace.days,
        errors=errors or {},
    )
