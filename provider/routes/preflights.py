"""Which paths answer preflights of scripts on other sites (`http.cross_origin`)."""

from starlette.routing import BaseRoute, Route

from provider.oauth.endpoints.preflight import open_preflight, preflight

OPEN_TO_CLIENTS = (
    "/oauth2/par",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/revoke",
    "/oauth2/device_authorization",
)
"""Where the pages of clients may read responses to their client."""
OPEN_TO_ALL = ("/.well-known/", "/oauth2/jwks", "/oauth2/register")
"""The beginnings of paths that the pages of any site may read: metadata, public keys and client registration."""


def with_preflights(table: list[BaseRoute]) -> list[BaseRoute]:
    """Return the routes and those of their preflights: for the pages of clients, and for those of any site."""
    paths = {route.path for route in table if isinstance(route, Route)}
    of_clients = [(path, preflight, path.rpartition("/")[2]) for path in OPEN_TO_CLIENTS if path in paths]
    open_paths = sorted(path for path in paths if path.startswith(OPEN_TO_ALL))
    of_all = [(path, open_preflight, path.strip("/.").replace("/", "_")) for path in open_paths]
    preflights = [
        Route(path, answer, methods=["OPTIONS"], name=f"{name}_preflight") for path, answer, name in of_clients + of_all
    ]
    return [*table, *preflights]
