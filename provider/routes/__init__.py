"""The routing table: every URL the provider answers."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from starlette.routing import BaseRoute

from provider.config.settings import Settings
from provider.routes.forward_auth import forward_authentication
from provider.routes.pages import pages
from provider.routes.protocol import protocol
from provider.routes.signals import for_receivers
from provider.web.routing import RoutesOnDemand, flattened

ON_DEMAND = {
    "/admin": "console:console",
    "/api/account": "api:account_api",
    "/api/admin": "api:admin_api",
    "/scim": "scim:scim",
}
"""What no app waits for: path to module of `provider.routes` and function. It is loaded after the start."""


def routing_table(settings: Settings) -> list[BaseRoute]:
    """Return the routes for these settings, some of them on demand. Routes of a disabled feature are left out."""
    return [
        *protocol(settings),
        *forward_authentication(),
        *pages(settings),
        *for_receivers(settings),
        *(RoutesOnDemand(path, partial(_load, place, settings)) for path, place in ON_DEMAND.items()),
    ]


def routes(settings: Settings) -> list[BaseRoute]:
    """Return all routes for these settings. This loads those on demand."""
    return list(flattened(routing_table(settings)))


def _load(place: str, settings: Settings) -> Sequence[BaseRoute]:
    module, _, function = place.partition(":")
    found: Sequence[BaseRoute] = getattr(import_module(f"provider.routes.{module}"), function)(settings)
    return found
