"""The active sessions of all users. A session is ended on the page of its user."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.lists import export_page, list_page
from provider.operators.lists.sessions import SESSIONS
from provider.web.call import Call
from provider.web.endpoint import endpoint


@endpoint
def list_sessions(call: Call) -> Response:
    """List the active sessions: GET /admin/sessions. The filters, the order and the columns are those of
    `lists.sessions`.
    """
    require_operator(call, Permission.USERS_READ)
    return list_page(call, SESSIONS, "admin/sessions.html")


@endpoint
def export_sessions(call: Call) -> Response:
    """Download the active sessions that match as CSV: GET /admin/sessions/export.csv."""
    require_operator(call, Permission.USERS_READ)
    return export_page(call, SESSIONS)
