"""The page /account/applications: users see which apps have access, and remove it (ours; ASVS v5.0.0-10.7.3)."""

from starlette.responses import Response

from provider.oauth.authorize.connected_apps import NotConnected, disconnect, find_connected
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
    return page(call, "oauth/applications.html", apps=apps, just_ended="ended" in call.query)


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
