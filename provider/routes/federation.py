"""The URLs of sign-in with an upstream provider."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.federation.pages import sign_out as upstream_sign_out
from provider.federation.pages import upstream
from provider.federation.pages.signals import receive_signal


def federation(_settings: Settings) -> list[BaseRoute]:
    """Return the routes to an upstream provider and back, and those that it calls."""
    get, post = ["GET"], ["POST"]
    return [
        Route("/login/upstream/{key}/start", upstream.start, methods=post, name="upstream_start"),
        Route("/login/upstream/{key}/callback", upstream.callback, methods=get, name="upstream_callback"),
        Route("/login/upstream/{key}/callback", upstream.answer_by_form, methods=post, name="upstream_form_post"),
        Route("/login/upstream/{key}/sign-up", upstream.sign_up, methods=post, name="upstream_sign_up"),
        Route("/login/upstream/sign-out", upstream_sign_out.leave, methods=get, name="upstream_sign_out"),
        Route("/login/upstream/{key}/signed-out", upstream_sign_out.come_back, methods=get, name="upstream_signed_out"),
        Route(
            "/login/upstream/{key}/backchannel-logout",
            upstream_sign_out.receive_logout,
            methods=post,
            name="upstream_backchannel_logout",
        ),
        Route("/login/upstream/{key}/signals", receive_signal, methods=post, name="upstream_signals"),
    ]
