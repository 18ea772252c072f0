"""Request metrics, when metrics are on: route, outcome and duration. Pure ASGI."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provider.observability.instruments import OTHER
from provider.observability.metrics import REQUEST_SECONDS, REQUESTS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"


class Measured:
    """Middleware that counts requests by the name of the route, because a path may hold anything a user typed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        since = time.perf_counter()
        status = 0

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_look)
        except BaseException:
            status = status or 500
            raise
        finally:
            route = getattr(scope.get("route"), "name", NO_ROUTE)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            # Without a status the caller went away before there was anything to answer.
            REQUESTS.count(route, method, f"{status // 100}xx" if status else "gone")
            REQUEST_SECONDS.observe(time.perf_counter() - since, route)
