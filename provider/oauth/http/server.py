"""The protocol server of this process, as endpoints and pages reach it."""

from provider.oauth.tokens.server import AuthorizationServer
from provider.web.call import Call


def server_of(call: Call) -> AuthorizationServer:
    """Return the server that the composition root opened for this app (`provider.app`)."""
    server: AuthorizationServer = call.scope["app"].state.oauth
    return server
