"""Which pages of other sites may read an answer (the CORS protocol of the Fetch standard): those of the client that
asks, once it is proven which client that is, and never with cookies. Where people sign in there is none of this (RFC
9700 section 2.6).
"""

from collections.abc import Callable
from functools import wraps

from starlette.responses import Response

from provider.oauth.clients.store import client_origins
from provider.oauth.http.server import server_of
from provider.web.call import Call
from provider.web.kept import Kept

OPEN = Kept[bool]("cross_origin")
"""Whether pages of other sites may read the answer."""
ALLOWED_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"
REMEMBERED = "600"
"""Seconds a browser may go without asking again."""


def cross_origin(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """An endpoint that pages of registered clients may call. Whose answer it is, `allow` says."""

    @wraps(function)
    def answer(call: Call) -> Response:
        OPEN.keep(call, True)
        call.set_header("vary", "Origin")
        return function(call)

    return answer


def allow(call: Call, client_id: str) -> None:
    """The client has proven who it is, or shows a token that was issued to it: its pages may read whatever the answer
    will be.
    """
    origin = call.headers.get("origin")
    if origin is None or not OPEN.is_on(call):
        return
    client = server_of(call).clients.find(call.work, client_id)
    if client is not None and origin in client.metadata.origins:
        call.set_header("access-control-allow-origin", origin)
        call.set_header("access-control-expose-headers", EXPOSED_HEADERS)


def answer_preflight(call: Call) -> Response:
    """A preflight names no client: it is answered for the pages of any, which learn nothing by it."""
    call.set_header("vary", "Origin")
    origin = call.headers.get("origin", "")
    if origin.isascii() and origin.isprintable() and client_origins.is_known(call.work.read, origin):
        call.set_header("access-control-allow-origin", origin)
        call.set_header("access-control-allow-methods", "GET, POST")
        call.set_header("access-control-allow-headers", ALLOWED_HEADERS)
        call.set_header("access-control-max-age", REMEMBERED)
    return Response(status_code=204, headers={"cache-control": "no-store"})
