"""Every URL the provider answers, on one page."""

from starlette.routing import BaseRoute, Route

from provider.observability import health
from provider.settings import Settings
from provider.web.assets import static


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of these settings: those of a feature that is off do not exist."""
    GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]
    table: list[BaseRoute] = [
        # Operators
        Route("/health/live", health.live, methods=GET, name="health_live"),
        Route("/health/ready", health.ready, methods=GET, name="health_ready"),
        Route("/static/{name}", static, methods=GET, name="static"),
    ]
    return table
