"""Rejected protocol requests: the latest ones, and each check of one request, as `signet explain` prints them."""

from datetime import datetime

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.oauth.explanations import find_explanation, find_latest
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def explanation(call: Call) -> Response:
    """Show a rejected request, or the latest ones: GET /admin/explain?error_id=. With `client`, only those of one
    client are listed.
    """
    require_operator(call, Permission.REQUESTS_READ)
    error_id, client_id = typed_text(call, "error_id"), typed_text(call, "client")
    found = find_explanation(call.work, error_id) if error_id else None
    place = place_on(call, "refusals")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    latest = [] if error_id else find_latest(call.work, client_id=client_id or None, after=after, limit=AT_ONCE + 1)
    shown = latest[:AT_ONCE]
    return page(
        call,
        "admin/explanation.html",
        status_code=404 if error_id and found is None else 200,
        error_id=error_id,
        found=found,
        client_id=client_id,
        latest=shown,
        further=next_page(
            call, "refusals", (shown[-1].at.isoformat(), shown[-1].error_id) if len(latest) > AT_ONCE else None
        ),
    )
