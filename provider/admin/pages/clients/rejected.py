"""The rejected requests of an application, the latest first."""

from datetime import datetime

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.clients.frame import client_page, find_client
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.oauth.explanations import find_latest
from provider.web.call import Call
from provider.web.endpoint import endpoint


@endpoint
def list_rejected(call: Call) -> Response:
    """List the rejected requests of a client: GET /admin/clients/client/rejected?client_id=."""
    client = find_client(call, require_operator(call, Permission.REQUESTS_READ)).value
    place = place_on(call, "client-refusals")
    after = None if place is None else (datetime.fromisoformat(place[0]), place[1])
    found = find_latest(call.work, client_id=client.client_id, after=after, limit=AT_ONCE + 1)
    shown, more = found[:AT_ONCE], len(found) > AT_ONCE
    further = (shown[-1].at.isoformat(), shown[-1].error_id) if more else None
    return client_page(
        call,
        client,
        "admin/client_rejected.html",
        tab="rejected",
        found=shown,
        further=next_page(call, "client-refusals", further),
    )
