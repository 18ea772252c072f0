"""The routing table: every URL the provider answers."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module

from starlette.routing import BaseRoute

from provider.config.settings import Settings
from provider.routes.pages import pages
from provider.routes.protocol import protocol
from provider.web.routing import RoutesOnDemand, flattened

ON_DEMAND = {
    "account:account": (
        "/",
        "/.well-known/change-password",
        "/account",
        "/account-leaving",
        "/account-secured",
        "/keep-account",
        "/pictures",
        "/undo-email-change",
    ),
    "api:account_api": ("/api/account",),
    "api:admin_api": ("/api/admin",),
    "client_registration:client_registration": ("/oauth2/register",),
    "console:console": ("/admin",),
    "federation:federation": ("/login/upstream",),
    "first_party:first_party": ("/oauth2/authorize-challenge",),
    "forward_auth:forward_authentication": ("/forward-auth", "/.signet"),
    "other_devices:other_devices": ("/device", "/approve", "/oauth2/device_authorization", "/oauth2/bc-authorize"),
    "registration_and_recovery:registration_and_recovery": (
        "/signup",
        "/verify-email",
        "/forgot-password",
        "/reset-password",
        "/password-strength",
    ),
    "scim:scim": ("/scim",),
    "signals:signals": ("/ssf", "/.well-known/ssf-configuration", "/oauth2/global-token-revocation"),
}
"""What no app waits for, because a sign-in does not need it: module of `provider.routes` and function, and its paths
(decision 400). It is loaded after the start.
"""


def routing_table(settings: Settings) -> list[BaseRoute]:
    """Return the routes for these settings, some of them on demand. Routes of a disabled feature are left out."""
    return [
        *protocol(settings),
        *pages(settings),
        *(RoutesOnDemand(paths, partial(_load, place, settings)) for place, paths in ON_DEMAND.items()),
    ]


def routes(settings: Settings) -> list[BaseRoute]:
    """Return all routes for these settings. This loads those on demand."""
    return list(flattened(routing_table(settings)))


def _load(place: str, settings: Settings) -> Sequence[BaseRoute]:
    module, _, function = place.partition(":")
    found: Sequence[BaseRoute] = getattr(import_module(f"provider.routes.{module}"), function)(settings)
    return found
