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
from provider.web.routing import Section, flattened

SECTIONS = {
    "/admin": "console:console",
    "/api/account": "api:account_api",
    "/api/admin": "api:admin_api",
    "/scim": "scim:scim",
}
"""What only some installations are asked for: path to module of `provider.routes` and function. It is loaded then."""


def routing_table(settings: Settings) -> list[BaseRoute]:
    """Return the routes and sections for these settings. Routes of a disabled feature are left out."""
    return [
        *protocol(settings),
        *forward_authentication(),
        *pages(settings),
        *for_receivers(settings),
        *(Section(path, partial(_load, place, settings)) for path, place in SECTIONS.items()),
    ]


def routes(settings: Settings) -> list[BaseRoute]:
    """Return all routes for these settings, also those of sections, which this loads."""
    return list(flattened(routing_table(settings)))


def _load(place: str, settings: Settings) -> Sequence[BaseRoute]:
    module, _, function = place.partition(":")
    found: Sequence[BaseRoute] = getattr(import_module(f"provider.routes.{module}"), function)(settings)
    return found
