"""The responses to rejected SCIM requests (RFC 7644 section 3.12)."""

from authlib.oauth2 import OAuth2Error
from starlette.responses import Response

from provider.oauth.explanations import explain
from provider.oauth.http.refused import challenge
from provider.scim.errors import MEDIA_TYPE, body_of, scim_type_of
from provider.web.call import Call
from provider.web.errors import headers_of, refusal_of
from provider.web.json_responses import JsonResponse


def as_scim(call: Call, error: Exception) -> Response:
    """Return the response for an error."""
    if isinstance(error, OAuth2Error):
        explain(call.installation, call.origin, error)
        headers = {"cache-control": "no-store", **challenge(call, error)}
        return _answer(body_of(error.status_code, error.description or error.error), error.status_code, headers)
    refusal = refusal_of(error)
    body = body_of(refusal.status_code, str(refusal.message), scim_type_of(refusal))
    return _answer(body, refusal.status_code, headers_of(refusal))


def _answer(body: dict[str, object], status: int, headers: dict[str, str]) -> Response:
    return JsonResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)
