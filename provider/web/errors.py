"""Errors for users and for programs: a page with a way to continue, or JSON.

A crash becomes a 500 that shows only its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from provider.languages.text import Text
from provider.parameters import MalformedParameters
from provider.refusals import RedirectRequired, Refusal, TooManyRequests
from provider.web.csrf import PageExpired, TokenExpired
from provider.web.json_responses import JsonResponse
from provider.web.pages import go, page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provider.web.call import Call


class TooLarge(Refusal):
    code = "too-large"
    status_code = 413
    title = Text("Request too large")
    message = Text("You sent more data than this service accepts. Send less and try again.")


class Malformed(Refusal):
    code = "malformed"
    title = Text("The request could not be read")
    message = Text("The web address or the form contains invalid text. Check it and try again.")


class Crash(Refusal):
    code = "crash"
    status_code = 500
    title = Text("Something went wrong")
    message = Text("This is a problem on our side. Nothing was changed. Try again in a moment.")


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal to show for any exception."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, MalformedParameters):
        return Malformed()
    return Crash()


def headers_of(refusal: Refusal) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return headers


def too_many(call: Call, refusal: TooManyRequests) -> dict[str, Any]:
    """Return the template variables and status for a form that was sent too often.

    Every page that catches this refusal uses it, so that users and programs both learn when to retry (RFC 6585 section
    4).
    """
    call.set_header("retry-after", str(refusal.retry_after))
    errors: dict[str, str] = {"": refusal.message}
    return {"errors": errors, "status_code": refusal.status_code}


def as_page(call: Call, error: Exception) -> Response:
    """Return an error page: what happened, what to do, and the id to quote."""
    if isinstance(error, RedirectRequired):
        return go(error.location)
    if isinstance(error, TokenExpired) and getattr(call.scope.get("endpoint"), "asks_again", False):
        return go(call.page_url)
    refusal = refusal_of(error)
    return error_page(call, refusal, way_on=call.page_url if isinstance(refusal, (PageExpired, TooLarge)) else None)


def error_page(
    call: Call,
    refusal: Refusal,
    *,
    way_on: str | None = None,
    app_url: str | None = None,
    app_name: str = "",
    details: Sequence[tuple[str, str]] = (),
    explanation: Sequence[Any] = (),
    is_explained: bool = False,
) -> Response:
    """Return the error page. `way_on` is a path of ours, `app_url` the page of an app where users begin.

    `details` are folded lines for the developer, and `explanation` the checks of the request (`oauth.checks.Check`). If
    it `is_explained`, operators find it by its id.
    """
    response = page(
        call,
        "errors/error.html",
        status_code=refusal.status_code,
        offers_languages=False,  # the address of this page may hold what must not be put on it
        title=refusal.title,
        message=refusal.message,
        error_id=call.request_id,
        way_on=way_on,
        app_url=app_url,
        app_name=app_name,
        details=details,
        explanation=explanation,
        is_explained=is_explained,
    )
    response.headers.update(headers_of(refusal))
    return response


def as_json(call: Call, error: Exception) -> Response:
    """Return an error as JSON in the form of an OAuth error (RFC 6749 section 5.2).

    It is for errors outside the protocol: outages, rate limits, bugs.
    """
    refusal = refusal_of(error)
    names = {429: "temporarily_unavailable", 500: "server_error", 503: "temporarily_unavailable"}
    body: dict[str, Any] = {
        "error": names.get(refusal.status_code, "invalid_request"),
        "error_description": refusal.message.replace('"', "'"),
        "error_id": call.request_id,
    }
    return JsonResponse(body, status_code=refusal.status_code, headers=headers_of(refusal))
