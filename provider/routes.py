"""Every URL the provider answers, on one page."""

from starlette.routing import BaseRoute, Route

from provider.oauth.endpoints.account_chooser import account_chooser
from provider.oauth.endpoints.authorization import authorization, cancel
from provider.oauth.endpoints.consent import consent
from provider.oauth.endpoints.discovery import discovery
from provider.oauth.endpoints.end_session import end_session
from provider.oauth.endpoints.introspection import introspection
from provider.oauth.endpoints.jwks import Jwks
from provider.oauth.endpoints.revocation import revocation
from provider.oauth.endpoints.token import token
from provider.oauth.endpoints.userinfo import userinfo
from provider.observability import health
from provider.settings import Settings
from provider.web.assets import static


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of these settings: those of a feature that is off do not exist."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    metadata = discovery(settings)
    table: list[BaseRoute] = [
        # Programs
        Route("/.well-known/openid-configuration", metadata, methods=get, name="openid_configuration"),
        Route("/.well-known/oauth-authorization-server", metadata, methods=get, name="oauth_authorization_server"),
        Route("/oauth2/jwks", Jwks(), methods=get, name="jwks"),
        Route("/oauth2/authorize", authorization, methods=both, name="authorize"),
        Route("/oauth2/authorize/cancel", cancel, methods=post, name="authorize_cancel"),
        Route("/oauth2/token", token, methods=post, name="token"),
        Route("/oauth2/userinfo", userinfo, methods=both, name="userinfo"),
        Route("/oauth2/introspect", introspection, methods=post, name="introspect"),
        Route("/oauth2/revoke", revocation, methods=post, name="revoke"),
        Route("/oauth2/logout", end_session, methods=both, name="logout"),
        # People on the way to an app
        Route("/consent", consent, methods=both, name="consent"),
        Route("/select-account", account_chooser, methods=both, name="select_account"),
        # Operators
        Route("/health/live", health.live, methods=get, name="health_live"),
        Route("/health/ready", health.ready, methods=get, name="health_ready"),
        Route("/static/{name}", static, methods=get, name="static"),
    ]
    return table
