"""The URL at which first-party apps sign users in with their own pages."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints.authorization_challenge import authorization_challenge


def first_party(_settings: Settings) -> list[BaseRoute]:
    """Return the route of the authorization challenge endpoint."""
    return [Route("/oauth2/authorize-challenge", authorization_challenge, methods=["POST"], name="authorize_challenge")]
