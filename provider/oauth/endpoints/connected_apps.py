"""The pages below /account/applications: users see which apps have access, and remove it (ours; ASVS v5.0.0-10.7.3)."""

from starlette.responses import Response

from provider.accounts.devices import find_sessions
from provider.audit.devices import device_name
from provider.oauth.authorize.connected_apps import (
    Access,
    NotConnected,
    disconnect,
    disconnect_agents,
    find_access,
    find_connected,
    find_stopped,
    name_and_host,
    resume,
)
from provider.oauth.clients.redirect_uris import csp_sources
from provider.oauth.http.server import server_of
from provider.oauth.tokens.store.delegations import EXCHANGE
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
        image_sources=csp_sources(app.logo_uri for app in apps if app.logo_uri),
        agents=[app for app in apps if app.is_agent],
        apps=[app for app in apps if not app.is_agent],
        stopped=find_stopped(call.work, server_of(call), session.user_id),
        now=call.work.now,
        just_ended=call.query.get("ended", ""),
        just_allowed="allowed" in call.query,
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
        image_sources=csp_sources([access.app.logo_uri] if access.app.logo_uri else []),
        app=access.app,
        via=_via(call, access),
        permissions=access.permissions,
        apis=access.apis,
        details=access.details,
        uses=_uses(call, access, session.user_id, here=session.id),
        now=call.work.now,
    )


@endpoint
def withdraw(call: Call) -> Response:
    """Remove an app's access or that of all agents, or allow an agent again that the user stopped. POST only.

    An app that is no longer connected was removed in another tab; the user is sent to the list.
    """
    session = require_user(call, back=PATH)
    if call.form.get("all") == "agents":
        disconnect_agents(call.work, server_of(call), user_id=session.user_id)
        return go(f"{PATH}?ended=agents")
    try:
        if "allow" in call.form:
            resume(call.work, user_id=session.user_id, client_id=call.form["allow"])
            return go(f"{PATH}?allowed=yes")
        client_id = call.form.get("client_id", "")
        disconnect(call.work, server_of(call), user_id=session.user_id, client_id=client_id)
    except NotConnected:
        return go(PATH)
    stopped = find_stopped(call.work, server_of(call), session.user_id)
    return go(f"{PATH}?ended={'agent' if any(client_id == one[0] for one in stopped) else 'yes'}")


def _via(call: Call, access: Access) -> str:
    """Return whose token an agent used last, as the user knows it: the name of an app, or another server."""
    delegation = access.app.delegation
    if delegation is None:
        return ""
    is_app = delegation.method == EXCHANGE
    return name_and_host(server_of(call), call.work, delegation.via)[0] if is_app else delegation.via


def _uses(call: Call, access: Access, user_id: str, *, here: str) -> list[dict[str, object]]:
    """Return where the app is signed in, with the device if the user is still signed in there."""
    sessions = {one.id: one for one in find_sessions(call.work, user_id)}
    return [
        {
            "device": device_name(session.user_agent) if (session := sessions.get(use.session_id)) else None,
            "network": session.network if session else "",
            "since": use.since,
            "offline": use.offline,
            "here": use.session_id == here,
        }
        for use in access.uses
    ]
