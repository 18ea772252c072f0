"""The account's home page, and the addresses that lead to it."""

from starlette.responses import Response

from provider.accounts import devices
from provider.accounts.factors import recovery_codes, second_factor
from provider.accounts.pages import password
from provider.accounts.roles.permissions import permissions_of
from provider.accounts.store import email_addresses, users
from provider.destination import HOME
from provider.sessions.guards import require_user
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint
def account(call: Call) -> Response:
    session = require_user(call)
    user_id, read = session.user_id, call.work.read
    user, address = users.find(read, user_id), email_addresses.find_of_user(read, user_id)
    return page(
        call,
        "accounts/overview.html",
        name="" if user is None else user.claims.get("name", ""),
        address="" if address is None else address.address,
        two_factor_on=second_factor.is_enabled(call.work, user_id),
        codes_left=recovery_codes.count_left(call.work, user_id),
        few_codes=recovery_codes.FEW,
        is_operator=user is not None and bool(permissions_of(user.roles)),
        session_count=len(devices.find_sessions(call.work, user_id)),
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
