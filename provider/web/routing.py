"""The router: which endpoint answers a request, and which methods a path answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Lifespan, Receive, Scope, Send

Refuse = Callable[[Scope, int], Response]
"""A function that returns the response for a status: 404 without a route for the path, 405 for another method."""


class RoutesOnDemand(BaseRoute):
    """The routes at some paths and below them, whose modules are loaded after the start, so that it need not wait: by
    `warm_up`, or by the first request for one of them.

    `load` returns the routes. All others are elsewhere.
    """

    def __init__(self, paths: Sequence[str], load: Callable[[], Sequence[BaseRoute]]) -> None:
        self.paths = tuple(paths)
        self._below = tuple(f"{path}/" for path in paths)
        self._load = load

    def has(self, path: str) -> bool:
        """Return whether requests for this path belong here."""
        return path in self.paths or path.startswith(self._below)

    @property
    def is_loaded(self) -> bool:
        return "routes" in vars(self)

    @cached_property
    def routes(self) -> list[Route]:
        """The routes. The first access loads their modules; threads that need it at once wait for the same import."""
        return [route for route in self._load() if isinstance(route, Route)]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return how the best of the routes matches. It loads them."""
        found = [route.matches(scope) for route in self.routes] if self.has(scope["path"]) else []
        return max(found, key=lambda match: match[0].value, default=(Match.NONE, {}))


def flattened(routes: Iterable[BaseRoute], path: str | None = None) -> Iterator[BaseRoute]:
    """Return the routes, also those on demand: all of them, or only where `path` is."""
    for route in routes:
        if not isinstance(route, RoutesOnDemand):
            yield route
        elif path is None or route.has(path):
            yield from route.routes


class RememberingRouter(Router):
    """A router that compares a method and path with the routes once, if the route that answers them has no parameters.

    There are no more of those than routes, so nothing that a caller sends makes it remember more.
    """

    def __init__(self, routes: Sequence[BaseRoute], *, lifespan: Lifespan[Any], refuse: Refuse) -> None:
        # A slash too many is another address: a redirect would repeat a form with its secrets (RFC 9700 section 4.12).
        super().__init__(routes, redirect_slashes=False, lifespan=lifespan)
        self._refuse = refuse
        self._known: dict[tuple[str, str], Route] = {}
        self._on_demand = [route for route in self.routes if isinstance(route, RoutesOnDemand)]

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().app(scope, receive, send)
            return
        asked = scope["method"], scope["path"]
        route = self._known.get(asked)
        if route is not None:
            scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
            await route.app(scope, receive, send)
            return
        for place in self._on_demand:
            if not place.is_loaded and place.has(scope["path"]):
                # In a thread, so that others are answered meanwhile.
                await asyncio.get_running_loop().run_in_executor(None, getattr, place, "routes")
        await self._find(scope, asked)(scope, receive, send)

    def _find(self, scope: Scope, asked: tuple[str, str]) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return what answers: the first route with this path and method, else a response that says what is wrong."""
        status = 404
        for route in flattened(self.routes, scope["path"]):
            match, found = route.matches(scope)
            if not isinstance(route, Route) or match is Match.NONE:
                continue
            if match is Match.FULL:
                scope.update(found, route=route)
                if not route.param_convertors:
                    self._known[asked] = route
                return route.app
            if status == 404:
                status, other = 405, {**found, "route": route}
        if status == 405:
            scope.update(other)
        return self._refuse(scope, status)


def methods_of(scope: Scope) -> list[str]:
    """Return the methods of every route with this path, in alphabetical order, for `Allow` (RFC 9110 section 10.2.1)
    and for preflights.
    """
    here = [
        route for route in flattened(scope["app"].routes, scope["path"]) if route.matches(scope)[0] is not Match.NONE
    ]
    return sorted({method for route in here if isinstance(route, Route) for method in _methods(route)})


def _methods(route: Route) -> set[str]:
    methods = set(route.methods or ())
    if getattr(route.endpoint, "refuses_head", False):
        methods.discard("HEAD")
    return methods
