"""The recovery codes page: create new recovery codes and show them once."""

from starlette.responses import Response

from provider.accounts.factors import recovery_codes, second_factor
from provider.accounts.factors.live_session import SessionEnded
from provider.sessions.guards import require_second_factor
from provider.web.call import Call
from provider.web.destination import destination
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def show_recovery_codes(call: Call) -> Response:
    """Show how many recovery codes are left: GET /account/recovery-codes. The codes themselves are never shown."""
    session = require_second_factor(call)
    if not second_factor.is_enabled(call.work, session.user_id):
        return go("/account/two-factor")
    return page(call, "accounts/recovery_codes.html", left=recovery_codes.count_left(call.work, session.user_id))


@endpoint
def renew_recovery_codes(call: Call) -> Response:
    session = require_second_factor(call)
    if not second_factor.is_enabled(call.work, session.user_id):
        return go("/account/two-factor")
    try:
        codes = recovery_codes.renew_codes(call.work, session)
    except SessionEnded:
        return go(call.path)
    where = destination(call)
    return page(call, "accounts/recovery_codes_shown.html", where=where, codes=codes, because=None)
