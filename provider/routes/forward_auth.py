"""The URLs of forward authentication: for reverse proxies, and for the paths that they pass on from protected sites."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.clients.protected_sites.sites import CALLBACK, SIGN_OUT
from provider.oauth.endpoints.forward_auth import forward_auth, forward_auth_of_envoy, site_callback, site_sign_out

WEBDAV = [
    *("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK"),
    *("ACL", "BIND", "CHECKOUT", "LINK", "MERGE", "MKACTIVITY", "MKCALENDAR", "REBIND", "REPORT", "SEARCH"),
    *("UNBIND", "UNLINK"),
]
"""The methods of WebDAV (RFC 4918) and what extends it, as registered for HTTP, that Envoy reads."""
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", *WEBDAV]
"""Envoy asks with the method of the request."""


def forward_authentication(_settings: Settings) -> list[BaseRoute]:
    """Return the routes of forward authentication."""
    return [
        Route("/forward-auth", forward_auth, methods=["GET"], name="forward_auth"),
        Route("/forward-auth/{path:path}", forward_auth_of_envoy, methods=ANY, name="forward_auth_of_envoy"),
        Route(CALLBACK, site_callback, methods=["GET"], name="site_callback"),
        Route(SIGN_OUT, site_sign_out, methods=["GET", "POST"], name="site_sign_out"),
    ]
