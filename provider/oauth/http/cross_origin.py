"""CORS: which pages of other sites may read a response (the CORS protocol of the Fetch standard).

They are the pages of the calling client, once it is authenticated, and never with cookies. Sign-in pages have no CORS
(RFC 9700 section 2.6).
"""

from collections.abc import Callable
from functools import wraps

from starlette.responses import Response

from provider.oauth.clients.store import client_origins
from provider.oauth.http.server import server_of
from provider.web.call import Call
from provider.web.kept import Kept

OPEN = Kept[bool]("cross_origin")
"""Whether pages of other sites may read the response."""
ALLOWED_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"
REMEMBERED = "600"
"""How long a browser may cache the answer to a preflight, in seconds."""


def cross_origin(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Mark an endpoint that pages of registered clients may call. `allow` names the client whose pages may read a
    response.
    """

    @wraps(function)
    def answer(call: Call) -> Response:
        OPEN.keep(call, True)
        call.set_header("vary", "Origin")
        return function(call)

    return answer


def allow(call: Call, client_id: str) -> None:
    """Let the client's pages read the response, whatever it will be.

    The client is authenticated, or has sent a token that was issued to it.
    """
    origin = call.headers.get("origin")
    if origin is None or not OPEN.is_on(call):
        return
    client = server_of(call).clients.find(call.work, client_id)
    if client is not None and origin in client.metadata.origins:
        call.set_header("access-control-allow-origin", origin)
        call.set_header("access-control-expose-headers", EXPOSED_HEADERS)


def answer_preflight(call: Call) -> Response:
    """Answer a preflight. It names no client, so it is answered for the pages of any client, and reveals nothing."""
    call.set_header("vary", "Origin")
    origin = call.headers.get("origin", "")
    if origin.isascii() and origin.isprintable() and client_origins.is_known(call.work.read, origin):
        call.set_header("access-control-allow-origin", origin)
        call.set_header("access-control-allow-methods", "GET, POST")
        call.set_header("access-control-allow-headers", ALLOWED_HEADERS)
        call.set_header("access-control-max-age", REMEMBERED)
    return Response(status_code=204, headers={"cache-control": "no-store"})
