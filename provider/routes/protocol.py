"""The URLs that relying apps and APIs call: OAuth 2.0 and OpenID Connect."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints.authorization import authorization, cancel
from provider.oauth.endpoints.check_session import check_session
from provider.oauth.endpoints.discovery import discovery
from provider.oauth.endpoints.end_session import end_session
from provider.oauth.endpoints.introspection import introspection
from provider.oauth.endpoints.jwks import Jwks
from provider.oauth.endpoints.protected_resources import protected_resource
from provider.oauth.endpoints.pushed_authorization_request import pushed_authorization_request
from provider.oauth.endpoints.revocation import revocation
from provider.oauth.endpoints.signed_out import signed_out
from provider.oauth.endpoints.token import token
from provider.oauth.endpoints.userinfo import userinfo
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE, WELL_KNOWN
from provider.routes.preflights import with_preflights


def protocol(settings: Settings) -> list[BaseRoute]:
    """Return the routes of OAuth 2.0 and OpenID Connect. All except the well-known ones are below /oauth2.

    What few apps use is elsewhere: `client_registration`, `first_party`, `other_devices`.
    """
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
        Route("/oauth2/par", pushed_authorization_request, methods=post, name="par"),
        Route("/oauth2/revoke", revocation, methods=post, name="revoke"),
        Route("/oauth2/logout", end_session, methods=both, name="logout"),
        Route("/oauth2/logout/done", signed_out, methods=get, name="logout_done"),
        *([check] if settings.session_management else []),
    ]
    for path in SCOPES_OF_RESOURCE:
        name = "oauth_protected_resource" + path.replace("/", "_")
        table.append(Route(WELL_KNOWN + path, protected_resource(settings, path), methods=get, name=name))
    return with_preflights(table)
