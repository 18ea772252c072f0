"""Why a protocol request was refused, check by check: what `signet explain` prints, as a page."""

from starlette.responses import Response

from provider.admin.guards import require_operator
from provider.oauth.explanations import find_explanation
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def explanation(call: Call) -> Response:
    """GET /admin/explain?error_id=; without one, the form."""
    require_operator(call)
    error_id = call.query.text("error_id")
    found = find_explanation(call.work, error_id) if error_id else None
    status_code = 404 if error_id and found is None else 200
    return page(call, "admin/explanation.html", status_code=status_code, error_id=error_id, found=found)
