"""Which pages the journeys with axe look at: each test names its own, and fails if it did not come by one of them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from starlette.routing import Match, Route

from provider.config.settings import Settings
from provider.routes import routes

EVERYTHING = {
    "upstreams": Path("upstreams.toml"),
    "terms_version": "1",
    "terms_url": "https://example.com/terms",
    "email_code_sign_in": True,
}
"""The settings that turn on all pages."""
SEEN: dict[str, tuple[str, ...]] = {}
"""The paths of routes, by the name of the test that looks at their pages."""
Test = TypeVar("Test", bound=Callable[..., None])


def sees(*paths: str) -> Callable[[Test], Test]:
    """Note that a test looks at the pages of these routes."""

    def note(test: Test) -> Test:
        SEEN[test.__name__] = paths
        return test

    return note


def routes_of(visited: Iterable[str], settings: Settings) -> set[str]:
    """Return the paths of the routes that answer at these paths of URLs."""
    known = [route for route in routes(settings) if isinstance(route, Route)]
    found = set()
    for path in visited:
        scope = {"type": "http", "path": path, "method": "GET", "root_path": "", "headers": []}
        found |= {next((each.path for each in known if each.matches(scope)[0] is not Match.NONE), path)}
    return found
