"""The active sessions of all users. A session is ended on the page of its user."""

from datetime import datetime

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.accounts.store import email_addresses
from provider.admin.guards import require_operator
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.audit.devices import device_name
from provider.sessions import store
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def list_sessions(call: Call) -> Response:
    """List the active sessions, those that expire last first: GET /admin/sessions."""
    require_operator(call, Permission.USERS_READ)
    work, place = call.work, place_on(call, "sessions")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    idle_since = work.now - work.settings.session_idle_lifetime
    found = store.find_active_page(work.read, now=work.now, idle_since=idle_since, after=after, limit=AT_ONCE + 1)
    shown = found[:AT_ONCE]
    people = email_addresses.find_holders(work.read, {session.user_id for session in shown})
    further = (shown[-1].expires_at.isoformat(), shown[-1].id) if len(found) > AT_ONCE else None
    rows = [(one, device_name(one.user_agent), people.get(one.user_id, (None, None))[1]) for one in shown]
    return page(call, "admin/sessions.html", sessions=rows, further=next_page(call, "sessions", further))
