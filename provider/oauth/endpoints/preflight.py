"""Preflight requests, which a browser sends before a page of another site may call the token, userinfo or revocation
endpoint.

They follow the CORS protocol of the Fetch standard. RFC 9700 section 2.6 says which endpoint must not have it.
"""

from starlette.responses import Response

from provider.oauth.http.cross_origin import answer_preflight
from provider.oauth.http.refused import protocol_endpoint
from provider.refusals import MethodNotAllowed
from provider.web.call import Call


@protocol_endpoint
def preflight(call: Call) -> Response:
    """Answer preflight requests (OPTIONS). Without the headers of a preflight, OPTIONS is not allowed."""
    if "origin" not in call.headers or "access-control-request-method" not in call.headers:
        call.set_header("allow", "GET, POST" if call.path.endswith("/userinfo") else "POST")
        raise MethodNotAllowed
    return answer_preflight(call)
