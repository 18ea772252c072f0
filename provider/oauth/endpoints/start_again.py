"""The way back to an app whose authorization request expired while the user signed in.

OIDC Core section 4 lets the app begin a new sign-in, which the user's new session answers.
"""

from starlette.responses import Response

from provider.oauth.clients.start_urls import login_initiation_url
from provider.oauth.http.authorization_errors import request_gone
from provider.oauth.http.server import server_of
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go


@endpoint
def start_again(call: Call) -> Response:
    """Send a signed-in user to the app, or show a page that names it: GET /start-again?client_id=.

    Only our own pages lead here. An app that sends users here itself gets them back.
    """
    server, client_id = server_of(call), call.query.get("client_id")
    client = None if client_id is None else server.clients.find(call.work, client_id)
    if client is not None and not client.disabled and find_session(call) is not None:
        url = login_initiation_url(client, issuer=server.issuer)
        if url is not None:
            return go(url)
    return request_gone(call, client_id, status_code=200)
