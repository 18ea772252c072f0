"""The methods that a path answers, for `Allow` (RFC 9110 section 10.2.1) and for preflights."""

from starlette.routing import Match, Route
from starlette.types import Scope


def methods_of(scope: Scope) -> list[str]:
    """Return the methods of every route with this path, in alphabetical order.

    The router's own response names only those of the first route.
    """
    here = [route for route in scope["app"].routes if route.matches(scope)[0] is not Match.NONE]
    return sorted({method for route in here if isinstance(route, Route) for method in _methods(route)})


def _methods(route: Route) -> set[str]:
    methods = set(route.methods or ())
    if getattr(route.endpoint, "refuses_head", False):
        methods.discard("HEAD")
    return methods
