"""An issuer with a path, for example https://example.com/auth: where it meets the paths of our routes.

Everything inside works with paths below the issuer, as if it had none. This middleware takes the issuer's path off
requests and puts it in front of `Location`; `pages` puts it in front of the URLs of a page; `cookies` limits cookies to
it. All other URLs are built from `settings.issuer`.
"""

import re
from collections.abc import Iterable, Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provider.web.routing import RoutesOnDemand

OWN_URLS = re.compile(r'(?<=\s)((?:href|src|srcset|action|formaction|data-ask|data-follow)=")(?=/(?!/))')
WELL_KNOWN = re.compile(r"(/\.well-known/[^/]+)(/.+)")


class BasePath:
    """Middleware for an issuer with a path, behind a proxy that keeps this path or one that strips it.

    The well-known documents are also found where their specifications put them on a host that several issuers share:
    between host and path (RFC 8414 section 3.1, RFC 9728 section 3.1).
    """

    def __init__(self, app: ASGIApp, base_path: str, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self.base_path = base_path
        self._own = [route for route in routes if any(_is_below(path, base_path) for path in _paths_of(route))]
        """Our routes that begin with the issuer's path, for example /oauth2/token for an issuer that ends in /oauth2.

        A request for one of them came through a proxy that strips the issuer's path.
        """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = self._below_issuer(scope)
            await self.app(scope, receive, self._with_location(send))
        else:
            await self.app(scope, receive, send)

    def _below_issuer(self, scope: Scope) -> str:
        path: str = scope["path"]
        if _is_below(path, self.base_path):
            if any(route.matches(scope)[0] is not Match.NONE for route in self._own):
                return path
            path = path.removeprefix(self.base_path) or "/"
        elif (inserted := WELL_KNOWN.fullmatch(path)) and _is_below(inserted[2], self.base_path):
            path = inserted[1] + inserted[2].removeprefix(self.base_path)
        return path

    def _with_location(self, send: Send) -> Send:
        async def send_with_location(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._location(name, value)) for name, value in message["headers"]]
            await send(message)

        return send_with_location

    def _location(self, name: bytes, value: bytes) -> bytes:
        is_own = name == b"location" and value.startswith(b"/") and not value.startswith(b"//")
        return self.base_path.encode() + value if is_own else value


def _paths_of(route: BaseRoute) -> Sequence[str]:
    if isinstance(route, RoutesOnDemand):
        return route.paths
    return [route.path] if isinstance(route, Route) else []


def _is_below(path: str, base_path: str) -> bool:
    return path == base_path or path.startswith(base_path + "/")


def with_base_path(html: str, base_path: str) -> str:
    """Return a page with the issuer's path in front of each URL of ours in its attributes.

    Text of users is escaped and holds no quotation marks, so what matches is markup of our templates.
    """
    return OWN_URLS.sub(lambda found: found[1] + base_path, html) if base_path else html
