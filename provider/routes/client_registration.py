"""The URLs of dynamic client registration (RFC 7591, RFC 7592)."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints.client_configuration import client_configuration
from provider.oauth.endpoints.registration import registration
from provider.routes.preflights import with_preflights


def client_registration(settings: Settings) -> list[BaseRoute]:
    """Return the routes of client registration. None if it is closed."""
    if settings.registration == "closed":
        return []
    managed = ["GET", "PUT", "DELETE"]
    return with_preflights(
        [
            Route("/oauth2/register", registration, methods=["POST"], name="register_client"),
            Route("/oauth2/register/{client_id}", client_configuration, methods=managed, name="client_configuration"),
        ]
    )
