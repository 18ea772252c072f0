"""The page shown while applications are notified of a sign-out (OpenID Connect Front-Channel Logout 1.0 section 3).

It loads the frame of each, lists them all, and then continues to the app that asked.
"""

from starlette.responses import Response

from provider.accounts.signed_in_accounts import describe_accounts
from provider.oauth.clients.redirect_uris import csp_sources
from provider.oauth.http.server import server_of
from provider.oauth.logout.front_channel import SIGNED_OUT, find_notified, read_ticket
from provider.sessions.cookie import find_signed_in
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def signed_out(call: Call) -> Response:
    """Show the notified applications: GET /oauth2/logout/done?ticket=. It ends nothing: sessions ended before."""
    server = server_of(call)
    done = read_ticket(call.work, call.query.get("ticket", ""))
    if done is None:
        return go(SIGNED_OUT)
    apps = find_notified(call.work, server, done)
    client = None if done.client_id is None else server.clients.find(call.work, done.client_id)
    frames = [app for app in apps if app.frame is not None]
    return page(
        call,
        "oauth/signed_out.html",
        frame_sources=csp_sources(sorted(app.frame for app in frames if app.frame is not None)),
        apps=apps,
        frames=frames,
        onward=done.onward,
        others=describe_accounts(call.work, find_signed_in(call), current=None),
        app=None if client is None else client.name,
    )
