"""CORS: which pages of other sites may read a response (the CORS protocol of the Fetch standard).

They are the pages of the calling client, once it is authenticated. Metadata, public keys and client registration are
for the pages of any site. No response depends on cookies, and sign-in pages have no CORS (RFC 9700 section 2.6).
"""

import re
from collections.abc import Callable
from functools import wraps

from starlette.responses import Response

from provider.oauth.clients.store import client_origins
from provider.oauth.http.server import server_of
from provider.urls import origin_of
from provider.web.call import Call
from provider.web.call_values import CallValue
from provider.web.routing import methods_of

OPEN = CallValue[bool]("cross_origin")
"""Whether pages of other sites may read the response."""
ALLOWED_HEADERS = ("Authorization", "Content-Type", "DPoP")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
MOST_HEADERS = 50
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After, DPoP-Nonce"
REMEMBERED = "600"
"""How long a browser may cache the answer to a preflight, in seconds."""


def cross_origin(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Mark an endpoint that pages of registered clients may call. `allow` names the client whose pages may read a
    response.
    """

    @wraps(function)
    def answer(call: Call) -> Response:
        OPEN.put(call, True)
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
    if client is not None and origin_of(origin) in client.metadata.origins:
        call.set_header("access-control-allow-origin", origin)
        call.set_header("access-control-expose-headers", EXPOSED_HEADERS)


def open_to_all(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Mark an endpoint whose responses, also errors, the pages of any site may read.

    It is for requests that prove themselves by what they carry, never by the browser that sends them.
    """

    @wraps(function)
    def answer(call: Call) -> Response:
        call.set_header("access-control-allow-origin", "*")
        call.set_header("access-control-expose-headers", EXPOSED_HEADERS)
        return function(call)

    return answer


def allow_sites_of_clients(call: Call) -> None:
    """Answer a preflight for the pages of any client: it does not say which client it is about, and reveals nothing."""
    call.set_header("vary", "Origin")
    origin = call.headers.get("origin", "")
    known = origin_of(origin) if origin.isascii() and origin.isprintable() else None
    if known is not None and client_origins.is_known(call.work.read, known):
        _allow_request(call, origin)


def allow_any_site(call: Call) -> None:
    """Answer a preflight for the pages of any site."""
    _allow_request(call, "*")


def _allow_request(call: Call, origin: str) -> None:
    """Allow the request that the preflight announces: every method of this path, and every header it names.

    Front ends add headers of their own (`sentry-trace`, `x-requested-with`, `mcp-protocol-version`). We ignore the
    values, so there is nothing to protect by refusing some.
    """
    asked = call.headers.get("access-control-request-headers", "").split(",")[:MOST_HEADERS]
    names = {name.lower(): name for name in ALLOWED_HEADERS}
    for name in map(str.strip, asked):
        if HEADER_NAME.fullmatch(name):
            names.setdefault(name.lower(), name)
    call.set_header("access-control-allow-origin", origin)
    methods = [method for method in methods_of(call.scope) if method != "OPTIONS"]
    call.set_header("access-control-allow-methods", ", ".join(methods))
    call.set_header("access-control-allow-headers", ", ".join(names.values()))
    call.set_header("access-control-max-age", REMEMBERED)
