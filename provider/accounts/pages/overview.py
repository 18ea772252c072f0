"""The account's home page, and the addresses that lead to it."""

from datetime import UTC, datetime

from starlette.responses import Response

from provider.accounts import devices
from provider.accounts.activity import find_activity
from provider.accounts.checkup import check_up
from provider.accounts.pages import password
from provider.accounts.pages.device_cookie import device_of
from provider.accounts.profile import own_picture, values_of
from provider.accounts.roles.permissions import permissions_of
from provider.accounts.store import email_addresses, users
from provider.destination import HOME
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

SHOWN = 3
"""How many apps and events the page shows. The others have pages of their own."""
NEVER = datetime.min.replace(tzinfo=UTC)


@endpoint
def account(call: Call) -> Response:
    session = require_user(call)
    user_id, read = session.user_id, call.work.read
    user, address = users.find(read, user_id), email_addresses.find_of_user(read, user_id)
    connected = call.services.connected_apps(call.work, user_id)
    apps = sorted(connected, key=lambda app: app.last_used or NEVER, reverse=True)
    return page(
        call,
        "accounts/overview.html",
        name="" if user is None else values_of(user.claims)["name"],
        address="" if address is None else address.address,
        picture=None if user is None else own_picture(call.work, user),
        is_operator=user is not None and bool(permissions_of(user.effective_roles)),
        approvals=call.services.list_approvals(call.work, user_id),
        checked=check_up(call.work, user_id=user_id, device=device_of(call)),
        session_count=len(devices.find_sessions(call.work, user_id)),
        apps=apps[:SHOWN],
        app_count=len(apps),
        entries=find_activity(call.work, user_id, limit=SHOWN),
        now=call.work.now,
    )


@endpoint
def home(call: Call) -> Response:  # noqa: ARG001  # an endpoint takes its call
    return go(HOME)


@endpoint
def change_password(call: Call) -> Response:
    """Redirect to the page to change the password: GET /.well-known/change-password.

    Password managers send users there (W3C, A Well-Known URL for Changing Passwords).
    """
    if call.settings.has("update-passwords"):
        return go(password.PATH)
    return go("/forgot-password" if call.settings.has("reset-passwords") else HOME)
