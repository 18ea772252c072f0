"""The authenticator apps of a user: list them, and remove one. `DELETE .../two-factor` removes all of them."""

from provider.accounts.factors import removal
from provider.accounts.factors.authenticator_apps import NoSuchAuthenticatorApp, OnlyAuthenticatorApp
from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.api.users.users import user_id_of
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.api.endpoints.authenticator_apps import AuthenticatorApps, app_id_of, apps_of
from provider.web.call import Call


@by_operator(needs=Permission.USERS_READ, gives=AuthenticatorApps, problems=(NoSuchUser,))
def list_apps(call: Call, _operator: Operator, _body: Body) -> AuthenticatorApps:
    """List a user's authenticator apps. The oldest comes first."""
    return apps_of(call.work, user_id_of(call))


@by_operator(needs=Permission.USERS_WRITE, problems=(NoSuchUser, NoSuchAuthenticatorApp, OnlyAuthenticatorApp))
def remove_app(call: Call, _operator: Operator, _body: Body) -> None:
    """Remove a user's authenticator app. Use this if its device was lost or stolen and the user has another second
    factor. All of their sessions and tokens end, and they are notified by email.
    """
    removal.remove_authenticator_app(call.work, user_id=user_id_of(call), app_id=app_id_of(call))
