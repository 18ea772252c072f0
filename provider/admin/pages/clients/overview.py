"""The overview of an application: how its code connects, and what happened last."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import operator_of, require_operator
from provider.admin.pages.clients.frame import client_page, find_client
from provider.admin.pages.event_list import event_list
from provider.audit import store as audit
from provider.audit.events import Event
from provider.audit.store import AuditEvent
from provider.config.settings import Settings
from provider.languages.text import Text
from provider.oauth.clients.choices import CIBA, DEVICE_CODE
from provider.oauth.clients.clients import Client
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.clients.store import client_secrets as secrets_store
from provider.oauth.http.metadata import provider_metadata
from provider.operators.overview import charts
from provider.operators.overview.app_usage import find_usage
from provider.operators.presets import preset_of
from provider.web.call import Call
from provider.web.endpoint import endpoint

EXAMPLE_REDIRECT = "http://localhost:3000/callback"
"""The redirect URI in the snippets of a client that has none."""
CLIENT_EVENTS = [event for event in Event if event.startswith("client.")]
LATEST = 10
"""How many events are shown. The audit log has all of them."""


@dataclass(frozen=True)
class Endpoint:
    """A URL that the application's code uses, and the member of the discovery document that names it."""

    member: str
    label: Text
    url: str


@endpoint
def show_client(call: Call) -> Response:
    """Show how an application connects, and its latest events: GET /admin/clients/client?client_id=."""
    client = find_client(call, require_operator(call, Permission.APPLICATIONS_READ)).value
    metadata = client.metadata
    return client_page(
        call,
        client,
        "admin/client.html",
        tab="overview",
        preset=preset_of(metadata),
        issuer=call.settings.issuer,
        endpoints=_endpoints(metadata, call.settings),
        secrets=secrets_store.find_dates(call.work.read, client.client_id, now=call.work.now),
        usage=find_usage(call.work, client.client_id) if metadata.grant_types else None,
        signs_in="authorization_code" in metadata.grant_types or metadata.asks_elsewhere,
        width=charts.WIDTH,
        height=charts.HEIGHT,
        redirect=urlsplit((*metadata.redirect_uris, EXAMPLE_REDIRECT)[0]),
        **event_list(call, _latest_events(call, client)),
        just_created="created" in call.query,
    )


def _latest_events(call: Call, client: Client) -> list[AuditEvent]:
    """Return the latest events of a client: all of them, or for an operator who can't see users those about the client
    itself.
    """
    names = None if operator_of(call).may(Permission.USERS_READ) else CLIENT_EVENTS
    return audit.find(call.work.read, client_id=client.client_id, names=names, limit=LATEST)


def _endpoints(metadata: ClientMetadata, settings: Settings) -> list[Endpoint]:
    """Return the endpoints that this client can use."""
    published, grants = provider_metadata(settings), set(metadata.grant_types)
    signs_in, on_device, asks = "authorization_code" in grants, DEVICE_CODE in grants, CIBA in grants
    known = (
        ("authorization_endpoint", Text("Sign-in"), signs_in),
        ("pushed_authorization_request_endpoint", Text("Pushed requests (PAR)"), signs_in),
        ("device_authorization_endpoint", Text("Device codes"), on_device),
        ("backchannel_authentication_endpoint", Text("Approval requests"), asks),
        ("token_endpoint", Text("Tokens"), bool(grants)),
        ("userinfo_endpoint", Text("User profile"), signs_in or on_device or asks),
        ("end_session_endpoint", Text("Sign-out"), signs_in),
        ("introspection_endpoint", Text("Token introspection"), not metadata.is_public),
        ("revocation_endpoint", Text("Token revocation"), bool(grants)),
        ("jwks_uri", Text("Public keys"), True),
    )
    return [Endpoint(name, label, published[name]) for name, label, fits in known if fits]
