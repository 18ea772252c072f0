"""The pages below /account/applications: users see which apps have access, and remove it (ours; ASVS v5.0.0-10.7.3)."""

from starlette.responses import Response

from provider.accounts.devices import find_sessions
from provider.audit.devices import device_name
from provider.oauth.authorize.connected_apps import Access, NotConnected, disconnect, find_access, find_connected
from provider.oauth.clients.redirect_uris import csp_source
from provider.oauth.http.server import server_of
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

PATH = "/account/applications"


@endpoint
def applications(call: Call) -> Response:
    session = require_user(call)
    apps = find_connected(call.work, server_of(call), session.user_id)
    return page(
        call,
        "oauth/applications.html",
        image_sources=[csp_source(app.logo_uri) for app in apps if app.logo_uri],
        apps=apps,
        now=call.work.now,
        just_ended="ended" in call.query,
    )


@endpoint
def application(call: Call) -> Response:
    """Show what one app may do and where it is used: GET /account/applications/app?client_id=."""
    session = require_user(call)
    try:
        access = find_access(
            call.work, server_of(call), user_id=session.user_id, client_id=call.query.get("client_id", "")
        )
    except NotConnected:
        return go(PATH)
    return page(
        call,
        "oauth/application.html",
        image_sources=[csp_source(access.app.logo_uri)] if access.app.logo_uri else [],
        app=access.app,
        permissions=access.permissions,
        apis=access.apis,
        details=access.details,
        uses=_uses(call, access, session.user_id, here=session.id),
        now=call.work.now,
    )


@endpoint
def withdraw(call: Call) -> Response:
    """Remove an app's access. POST only.

    An app that is no longer connected was removed in another tab; the user is sent to the list.
    """
    session = require_user(call, back=PATH)
    try:
        disconnect(call.work, server_of(call), user_id=session.user_id, client_id=call.form.get("client_id", ""))
    except NotConnected:
        return go(PATH)
    return go(f"{PATH}?ended=yes")


def _uses(call: Call, access: Access, user_id: str, *, here: str) -> list[dict[str, object]]:
    """Return the sign-ins of the app, each with the device if the user is still signed in there."""
    sessions = {one.id: one for one in find_sessions(call.work, user_id)}
    return [
        {
            "device": device_name(session.user_agent) if (session := sessions.get(grant.session_id)) else None,
            "network": session.network if session else "",
            "since": grant.created_at,
            "offline": grant.offline,
            "here": grant.session_id == here,
        }
        for grant in access.grants
    ]
