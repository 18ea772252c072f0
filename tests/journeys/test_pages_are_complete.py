"""Every page is looked at by axe, in light, in dark and on a narrow screen. A page that no journey visits fails."""

from starlette.routing import Route

from provider.config.settings import Settings
from provider.routes import routes
from tests.journeys import (  # noqa: F401  # they say which pages they look at
    test_accessibility,
    test_accessibility_of_actions,
    test_signing_up_with_terms,
    test_upstream_sign_in,
)
from tests.journeys.looked_at import EVERYTHING, SEEN

NOT_PAGES = {
    "/": "leads on",
    "/oauth2/userinfo": "JSON",
    "/oauth2/jwks": "JSON",
    "/oauth2/authorize": "leads on; its page of an error is looked at",
    "/forward-auth": "for proxies",
    "/forward-auth/{path:path}": "for proxies",
    "/.signet/callback": "leads on",
    "/.signet/sign-out": "leads on",
    "/login/passkey": "JSON",
    "/login/upstream/{key}/callback": "leads on",
    "/login/upstream/{key}/signed-out": "leads on",
    "/verify-email/confirmed": "leads on",
    "/static/{name}": "files",
    "/pictures/{picture_id}": "files",
    "/account/data/export.json": "a download",
    "/admin/audit/export.{format}": "a download",
    "/admin/audit/new": "rows of the audit log, without a page around them",
    "/admin/branding/preview.css": "a stylesheet",
    "/admin/emails/{name}/html": "an email: all of them are looked at",
}


def is_page(path: str) -> bool:
    machine = path.startswith(("/api", "/scim", "/ssf", "/.well-known", "/health")) or path.endswith(".csv")
    return not machine and path not in NOT_PAGES


def test_every_page_is_looked_at() -> None:
    settings = Settings().model_copy(update=EVERYTHING)
    paths = {route.path for route in routes(settings) if isinstance(route, Route) and "GET" in (route.methods or ())}
    looked_at = {path for each in SEEN.values() for path in each}
    assert paths >= NOT_PAGES.keys()
    assert {path for path in paths if is_page(path)} == looked_at
