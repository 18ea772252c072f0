"""The errors of our APIs as problem details (RFC 9457), `application/problem+json`.

`type` is stable and for programs, `title` and `detail` are for people, and `instance` is the id to quote.
"""

from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.responses import Response

from provider.api.bodies import InvalidBody
from provider.api.validation import MemberProblem
from provider.languages.text import Text
from provider.oauth.explanations import explain
from provider.oauth.http.refused import challenge, step_up_challenge
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.errors import headers_of, refusal_of
from provider.web.json_responses import JsonResponse

MEDIA_TYPE = "application/problem+json"
URN = "urn:signet:problem:"
PROTOCOL_TITLES = {
    "invalid_client": "Client authentication failed",
    "invalid_request": "Invalid request",
    "invalid_token": "Invalid or expired access token",
    "insufficient_scope": "Insufficient scope",
    "invalid_dpop_proof": "Invalid DPoP proof",
    "use_dpop_nonce": "DPoP nonce required",
    "unauthorized_client": "Unauthorized client",
}
"""The titles of OAuth errors by error code. Their `type` ends in the code (RFC 6749 section 5.2, RFC 6750)."""


class ConfirmationNeeded(Refusal):
    """A request that needs a recently confirmed password. The app calls confirm-password, or sends a new authorization
    request with this `max_age` (RFC 9470).
    """

    code = "confirmation-needed"
    status_code = 401
    title = Text("Password confirmation required")
    message = Text("Confirm your password to continue.")

    def __init__(self, max_age: int) -> None:
        self.max_age = max_age
        super().__init__()

    @property
    def parameters(self) -> str:
        """The parameters of the challenge that say what is needed (RFC 9470 section 3)."""
        return f'max_age="{self.max_age}"'


class SecondFactorNeeded(ConfirmationNeeded):
    """A request that also needs a second factor. The app calls confirm-password with a code, or sends an authorization
    request with these `acr_values`.
    """

    code = "second-factor-needed"
    title = Text("Second factor required")
    message = Text("Confirm your password and second factor to continue.")

    @property
    def parameters(self) -> str:
        return f'{super().parameters}, acr_values="aal2"'


def type_of(refusal: type[Refusal]) -> str:
    """Return the problem type of a refusal, such as `urn:signet:problem:wrong-code`. The OpenAPI documents list all
    types.
    """
    return URN + refusal.code


def as_problem(call: Call, error: Exception) -> Response:
    if isinstance(error, OAuth2Error):
        return _protocol_problem(call, error)
    refusal = refusal_of(error)
    headers = headers_of(refusal)
    if isinstance(refusal, ConfirmationNeeded):
        headers["www-authenticate"] = step_up_challenge(call, refusal.parameters)
    more = {}
    if isinstance(refusal, InvalidBody):
        more["errors"] = [_said(call, one) for one in refusal.errors]
    headers["content-language"] = call.language.tag
    title, detail = call.language.say(refusal.title), call.language.say(refusal.message)
    return _answer(call, type_of(type(refusal)), title, refusal.status_code, detail, headers=headers, **more)


def _said(call: Call, one: MemberProblem) -> dict[str, str]:
    sentences = [one["problem"], *([one["sent"]] if "sent" in one else [])]
    return {"member": one["member"], "problem": " ".join(call.language.say(sentence) for sentence in sentences)}


def _protocol_problem(call: Call, error: OAuth2Error) -> Response:
    explain(call.installation, call.origin, error)
    headers = {"cache-control": "no-store", **challenge(call, error)}
    title = PROTOCOL_TITLES.get(error.error, "Request rejected")
    return _answer(call, URN + error.error, title, error.status_code, error.description or "", headers=headers)


def _answer(
    call: Call, type_: str, title: str, status: int, detail: str, *, headers: dict[str, str], **more: Any
) -> Response:
    body = {"type": type_, "title": title, "status": status, "detail": detail, "instance": call.request_id, **more}
    return JsonResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)
