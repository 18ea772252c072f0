"""The security page: password, two-factor authentication, recovery codes and linked accounts, each with its state."""

from starlette.responses import Response

from provider.accounts.checkup import check_up
from provider.accounts.factors import authenticator_apps
from provider.accounts.pages.device_cookie import device_of
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page


@endpoint
def security(call: Call) -> Response:
    session = require_user(call)
    checked = check_up(call.work, user_id=session.user_id, device=device_of(call))
    apps = authenticator_apps.find_of_user(call.work, session.user_id)
    return page(call, "accounts/security.html", checked=checked, authenticator_apps=apps, now=call.work.now)
