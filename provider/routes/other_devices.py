"""The URLs of sign-in on another device: the device flow (RFC 8628), and CIBA."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.oauth.endpoints import backchannel_approval
from provider.oauth.endpoints.backchannel_authentication import backchannel_authentication
from provider.oauth.endpoints.device_authorization import device_authorization
from provider.oauth.endpoints.device_verification import answered, device
from provider.routes.preflights import with_preflights


def other_devices(_settings: Settings) -> list[BaseRoute]:
    """Return the routes at which apps begin such a sign-in, and the pages on which users approve it."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    return with_preflights(
        [
            Route("/oauth2/device_authorization", device_authorization, methods=post, name="device_authorization"),
            Route("/oauth2/bc-authorize", backchannel_authentication, methods=post, name="backchannel_authentication"),
            Route("/device", device, methods=both, name="device"),
            Route("/device/answered", answered, methods=get, name="device_answered"),
            Route("/approve", backchannel_approval.approve, methods=both, name="approve"),
            Route("/approve/answered", backchannel_approval.answered, methods=get, name="approval_answered"),
        ]
    )
