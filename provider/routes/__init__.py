"""The routing table: every URL the provider answers."""

from starlette.routing import BaseRoute, Route

from provider.api import openapi
from provider.config.settings import Settings
from provider.oauth.endpoints.preflight import open_preflight
from provider.routes.api import account_api, admin_api
from provider.routes.forward_auth import forward_authentication
from provider.routes.pages import pages
from provider.routes.protocol import protocol
from provider.routes.scim import scim
from provider.routes.signals import for_receivers


def routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes for these settings. Routes of a disabled feature are left out."""
    table = [
        *protocol(settings),
        *forward_authentication(),
        *pages(settings),
        *account_api(settings),
        *admin_api(),
        *scim(),
    ]
    table += for_receivers(settings)
    of_accounts = openapi.Described(settings, table)
    of_operators = openapi.Described(settings, table, openapi.ADMIN_API)
    table += [
        Route("/api/account/openapi.json", of_accounts, methods=["GET"], name="account_api"),
        Route("/api/admin/openapi.json", of_operators, methods=["GET"], name="admin_api"),
        Route("/api/account/openapi.json", open_preflight, methods=["OPTIONS"], name="account_api_preflight"),
        Route("/api/admin/openapi.json", open_preflight, methods=["OPTIONS"], name="admin_api_preflight"),
    ]
    return table
