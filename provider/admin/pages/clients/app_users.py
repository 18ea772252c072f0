"""The users of an application: to whose accounts it has access, since when, and how to end that."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import Action, Actions, Subject, action_endpoint, done_message
from provider.admin.pages.clients.frame import NEEDS, client_page, find_client, url_of
from provider.admin.pages.paging import AT_ONCE, next_page, place_on
from provider.admin.pages.user_names import user_names
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.authorize import app_users, connected_apps
from provider.oauth.authorize.connected_apps import NotConnected
from provider.oauth.clients.clients import Client
from provider.oauth.http.server import server_of
from provider.web.call import Call
from provider.web.endpoint import endpoint


@endpoint
def list_app_users(call: Call) -> Response:
    """List the users of a client: GET /admin/clients/client/users?client_id=."""
    client = find_client(call, require_operator(call, Permission.APPLICATIONS_READ)).value
    place = place_on(call, "app-users")
    after = str(place[0]) if place else None
    found, further = app_users.find_users(call.work, client.client_id, after=after, limit=AT_ONCE)
    return client_page(
        call,
        client,
        "admin/client_users.html",
        tab="users",
        found=found,
        names=user_names(call, {one.user_id for one in found}),
        further=next_page(call, "app-users", None if further is None else (further,)),
        done=done_message(call, APP_USER_ACTIONS),
    )


def _user(call: Call, client: Client) -> str | None:
    """Return the name of the user in the query, or None if the client has no access to the account."""
    user_id = parse_id(call.query.text("user"))
    if user_id is None or not connected_apps.is_connected(call.work, user_id=user_id, client_id=client.client_id):
        return None
    return user_names(call, [user_id]).get(user_id, user_id)


def _revoke(call: Call, subject: Subject[Client]) -> None:
    user_id = parse_id(call.query.text("user"))
    if user_id is None:
        raise NotConnected
    connected_apps.disconnect(call.work, server_of(call), user_id=user_id, client_id=subject.value.client_id)


APP_USER_ACTIONS: Actions[Client] = {
    "revoke": Action(
        title=Text("Revoke application access"),
        button=Text("Revoke access"),
        means=(Text("The user's consent to this application is withdrawn, and its tokens for the user are revoked."),),
        done=Text("Application access revoked."),
        do=_revoke,
        part=_user,
        danger=True,
    ),
}


def _find(call: Call, operator: Operator) -> Subject[Client]:
    found = find_client(call, operator)
    return Subject(found.name, url_of(found.value.client_id, "users"), found.value, operator, found.problem)


act_on_app_user = action_endpoint(_find, APP_USER_ACTIONS, here="clients", needs=NEEDS)
