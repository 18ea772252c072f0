"""The endpoints, from the routes and the docstrings of their modules."""

import importlib
import re
from collections.abc import Iterator
from itertools import groupby

from starlette.routing import Route

from provider.config.settings import Settings
from provider.routes import routes
from tests.docs.generate.markdown import first_sentence, table

CITED = re.compile(r"(?:RFC \d+|OIDC [A-Z]\w+|OpenID Connect [\w .-]*?\d\.\d|draft-[\w-]+)(?: section \d+(?:\.\d+)*)?")
"""A specification and its section in a docstring."""
PROTOCOL = ("/oauth2/", "/.well-known/o")
ASIDE = re.compile(r" \([^)]*\)")


def every_route() -> list[Route]:
    """Return all routes, also of features that are off by default."""
    settings = Settings(registration="open", session_management=True).model_copy(update={"upstreams": ()})
    return [route for route in routes(settings) if isinstance(route, Route)]


def protocol_endpoints() -> str:
    found = [route for route in every_route() if route.path.startswith(PROTOCOL)]
    return table(("path", "methods", "what it is", "specification"), _endpoints(found))


def page_endpoints() -> str:
    found = [route for route in every_route() if not route.path.startswith((*PROTOCOL, "/api/", "/scim/"))]
    return table(("path", "methods", "what it is"), (row[:3] for row in _endpoints(found)))


def _endpoints(found: list[Route]) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each path. HEAD comes with GET, and OPTIONS with the method it asks for."""
    for path, of_path in groupby(sorted(found, key=lambda route: route.path), lambda route: route.path):
        same = [route for route in of_path if route.methods != {"OPTIONS"}]
        if same:
            about = importlib.import_module(_module(same[0])).__doc__ or ""
            methods = sorted({method for route in same for method in route.methods or ()} - {"HEAD"})
            cited = "; ".join(dict.fromkeys(CITED.findall(" ".join(about.split()))))
            yield f"`{path}`", ", ".join(methods), ASIDE.sub("", first_sentence(about)), cited


def _module(route: Route) -> str:
    """Return the module that describes an endpoint. Metadata is served by a class of its own."""
    if route.endpoint.__module__ == "provider.web.documents":
        resource = "protected-resource" in route.path
        return f"provider.oauth.endpoints.{'protected_resources' if resource else 'discovery'}"
    return str(route.endpoint.__module__)
