"""The search of the console: an email address, a name, a user ID, a client_id or an error ID."""

from urllib.parse import urlencode

from starlette.responses import Response

from provider.accounts import overview
from provider.accounts import search as accounts
from provider.accounts.overview import Overview
from provider.accounts.roles.permissions import Permission
from provider.admin.filters import typed_text
from provider.admin.guards import require_operator
from provider.admin.pages.clients import frame as client_pages
from provider.admin.pages.users import frame as user_pages
from provider.oauth.clients import client_search, clients
from provider.oauth.clients.clients import Client
from provider.oauth.explanations import find_explanation
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page

SHOWN = 5
"""How many users and applications are shown. The lists have the others."""


@endpoint
def search(call: Call) -> Response:
    """Go to the only thing that the text names, or list what it may name: GET /admin/search?q=."""
    operator = require_operator(call, Permission.OVERVIEW_READ)
    text = typed_text(call, "q")
    if not text:
        return go("/admin")
    if operator.may(Permission.REQUESTS_READ) and find_explanation(call.work, text) is not None:
        return go(f"/admin/explain?{urlencode({'error_id': text})}")
    users, more_users = _users(call, text) if operator.may(Permission.USERS_READ) else ([], False)
    applications, more_applications = (
        _applications(call, text) if operator.may(Permission.APPLICATIONS_READ) else ([], False)
    )
    found = [f"{user_pages.PATH}/{person.user.id}" for person in users]
    found += [client_pages.url_of(client.client_id) for client in applications]
    if len(found) == 1:
        return go(found[0])
    return page(
        call,
        "admin/search.html",
        q=text,
        users=users,
        applications=applications,
        more_users=more_users,
        more_applications=more_applications,
    )


def _users(call: Call, text: str) -> tuple[list[Overview], bool]:
    found, further = accounts.find_page(call.work, text, after=None, limit=SHOWN)
    return overview.describe(call.work, found), further is not None


def _applications(call: Call, text: str) -> tuple[list[Client], bool]:
    one = clients.find_client(call.work, text)
    if one is not None:
        return [one], False
    found, further = client_search.find_page(call.work, text, after=None, limit=SHOWN)
    return list(found), further is not None
