"""The URLs that relying apps and APIs call: OAuth 2.0 and OpenID Connect."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints.authorization import authorization, cancel
from provider.oauth.endpoints.authorization_challenge import authorization_challenge
from provider.oauth.endpoints.backchannel_authentication import backchannel_authentication
from provider.oauth.endpoints.check_session import check_session
from provider.oauth.endpoints.client_configuration import client_configuration
from provider.oauth.endpoints.device_authorization import device_authorization
from provider.oauth.endpoints.discovery import discovery
from provider.oauth.endpoints.end_session import end_session
from provider.oauth.endpoints.introspection import introspection
from provider.oauth.endpoints.jwks import Jwks
from provider.oauth.endpoints.preflight import open_preflight, preflight
from provider.oauth.endpoints.protected_resources import protected_resource
from provider.oauth.endpoints.pushed_authorization_request import pushed_authorization_request
from provider.oauth.endpoints.registration import registration
from provider.oauth.endpoints.revocation import revocation
from provider.oauth.endpoints.signed_out import signed_out
from provider.oauth.endpoints.token import token
from provider.oauth.endpoints.userinfo import userinfo
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE, WELL_KNOWN

OPEN_TO_CLIENTS = (
    "/oauth2/par",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/revoke",
    "/oauth2/device_authorization",
)
"""Where the pages of clients may read responses to their client."""
OPEN_TO_ALL = ("/.well-known/", "/oauth2/jwks", "/oauth2/register")
"""The beginnings of paths that the pages of any site may read: metadata, public keys and client registration."""


def protocol(settings: Settings) -> list[BaseRoute]:
    """Return the routes of OAuth 2.0 and OpenID Connect. All except the well-known ones are below /oauth2."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    metadata = discovery(settings)
    check = Route("/oauth2/check-session", check_session, methods=get, name="check_session")
    table: list[BaseRoute] = [
        # The most frequent first: a request is compared with one route after the other.
        Route("/oauth2/token", token, methods=post, name="token"),
        Route("/oauth2/userinfo", userinfo, methods=both, name="userinfo"),
        Route("/oauth2/introspect", introspection, methods=post, name="introspect"),
        Route("/oauth2/authorize", authorization, methods=both, name="authorize"),
        Route("/oauth2/jwks", Jwks(), methods=get, name="jwks"),
        Route("/.well-known/openid-configuration", metadata, methods=get, name="openid_configuration"),
        Route("/.well-known/oauth-authorization-server", metadata, methods=get, name="oauth_authorization_server"),
        Route("/oauth2/authorize/cancel", cancel, methods=post, name="authorize_cancel"),
        Route("/oauth2/authorize-challenge", authorization_challenge, methods=post, name="authorize_challenge"),
        Route("/oauth2/par", pushed_authorization_request, methods=post, name="par"),
        Route("/oauth2/device_authorization", device_authorization, methods=post, name="device_authorization"),
        Route("/oauth2/bc-authorize", backchannel_authentication, methods=post, name="backchannel_authentication"),
        Route("/oauth2/revoke", revocation, methods=post, name="revoke"),
        Route("/oauth2/logout", end_session, methods=both, name="logout"),
        Route("/oauth2/logout/done", signed_out, methods=get, name="logout_done"),
        *([check] if settings.session_management else []),
    ]
    if settings.registration != "closed":
        managed = ["GET", "PUT", "DELETE"]
        table += [
            Route("/oauth2/register", registration, methods=post, name="register_client"),
            Route("/oauth2/register/{client_id}", client_configuration, methods=managed, name="client_configuration"),
        ]
    for path in SCOPES_OF_RESOURCE:
        name = "oauth_protected_resource" + path.replace("/", "_")
        table.append(Route(WELL_KNOWN + path, protected_resource(settings, path), methods=get, name=name))
    return [*table, *_preflights(table)]


def _preflights(table: list[BaseRoute]) -> list[BaseRoute]:
    """Return the routes of preflights: for the pages of clients, and for those of any site (`http.cross_origin`)."""
    paths = {route.path for route in table if isinstance(route, Route)}
    open_paths = sorted(path for path in paths if path.startswith(OPEN_TO_ALL))
    of_clients = [(path, preflight, path.rpartition("/")[2]) for path in OPEN_TO_CLIENTS]
    of_all = [(path, open_preflight, path.strip("/.").replace("/", "_")) for path in open_paths]
    return [
        Route(path, answer, methods=["OPTIONS"], name=f"{name}_preflight") for path, answer, name in of_clients + of_all
    ]
