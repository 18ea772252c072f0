"""Preflight requests, which a browser sends before a page of another site may call an endpoint for programs.

They follow the CORS protocol of the Fetch standard. RFC 9700 section 2.6 says which endpoint must not have it.
"""

from starlette.responses import Response

from provider.oauth.http.cross_origin import allow_any_site, allow_sites_of_clients
from provider.oauth.http.refused import protocol_endpoint
from provider.web.call import Call
from provider.web.routing import methods_of


@protocol_endpoint
def preflight(call: Call) -> Response:
    """Answer preflight requests (OPTIONS) for the pages of any client."""
    if _is_preflight(call):
        allow_sites_of_clients(call)
    return _answer(call)


@protocol_endpoint
def open_preflight(call: Call) -> Response:
    """Answer preflight requests (OPTIONS) for the pages of any site."""
    if _is_preflight(call):
        allow_any_site(call)
    return _answer(call)


def _is_preflight(call: Call) -> bool:
    return "origin" in call.headers and "access-control-request-method" in call.headers


def _answer(call: Call) -> Response:
    """Return the answer to OPTIONS: the methods of this path (RFC 9110 section 9.3.7)."""
    headers = {"allow": ", ".join(methods_of(call.scope)), "cache-control": "no-store"}
    return Response(status_code=204, headers=headers)
