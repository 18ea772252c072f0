"""The activity page, and the page to report activity that was not the user's own."""

from starlette.responses import Response

from provider.accounts import compromise_report
from provider.accounts.activity import find_activity
from provider.sessions.cookie import forget_session
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def activity(call: Call) -> Response:
    session = require_user(call)
    entries = find_activity(call.work, session.user_id)
    apps = {
        client_id: call.services.name_app(call.work, client_id)
        for client_id in {entry.client_id for entry in entries if entry.client_id}
    }
    return page(call, "accounts/activity.html", entries=entries, apps=apps)


@endpoint
def show_not_me(call: Call) -> Response:
    """Show what the report will do, and its button: GET /account/activity/not-me."""
    require_user(call)
    return page(call, "accounts/not_me.html")


@endpoint
def not_me(call: Call) -> Response:
    """Report that another person used the account: POST /account/activity/not-me.

    It asks for no password, because it only removes access, and the email goes to the account's own address.
    """
    session = require_user(call)
    compromise_report.report(call.work, user_id=session.user_id)
    forget_session(call)
    return go("/account-secured")


@endpoint
def secured(call: Call) -> Response:
    return page(call, "accounts/secured.html")
