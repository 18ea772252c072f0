"""The secrets and keys of an application: how old they are, and when its key set was fetched last."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import require_operator
from provider.admin.pages.clients.frame import client_page, find_client, find_client_to_change, url_of
from provider.jose.key_sets import parse_usable
from provider.jose.remote_key_sets import KeySetUnavailable
from provider.oauth.clients.clients import Client
from provider.oauth.clients.store import client_secrets as secrets_store
from provider.oauth.http.server import server_of
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go


@endpoint
def show_credentials(call: Call) -> Response:
    """Show the secrets and keys of a client: GET /admin/clients/client/credentials?client_id=."""
    return _credentials(call, find_client(call, require_operator(call, Permission.APPLICATIONS_READ)).value)


@endpoint
def fetch_keys(call: Call) -> Response:
    """Fetch the client's key set now, and show it: POST to the same URL."""
    client = find_client_to_change(call).value
    try:
        server_of(call).client_keys.find(call.work, client, newer=True)
    except KeySetUnavailable as failed:
        return _credentials(call, client, problem=failed.reason)
    return go(url_of(client.client_id, "credentials"))


def _credentials(call: Call, client: Client, *, problem: str = "") -> Response:
    metadata, work = client.metadata, call.work
    copy = server_of(call).client_keys.copy_of(metadata.jwks_uri) if metadata.jwks_uri else None
    published = copy.keys if copy else ()
    return client_page(
        call,
        client,
        "admin/client_credentials.html",
        tab="credentials",
        secrets=secrets_store.find_dates(work.read, client.client_id, now=work.now),
        now=work.now,
        keys=published if metadata.jwks is None else parse_usable(metadata.jwks),
        copy=copy,
        problem=problem or (copy.problem if copy else ""),
    )
