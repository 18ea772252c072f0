"""The URLs of protected sites in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import protected_sites as api
from provider.admin.pages.clients import site


def in_api() -> list[BaseRoute]:
    configuration, preview = "/api/admin/proxy-configuration", "/api/admin/protected-site-preview"
    return [
        Route(configuration, api.show_proxy_configuration, methods=["GET"], name="show_proxy_configuration"),
        Route(preview, api.preview_site, methods=["GET"], name="preview_protected_site"),
    ]


def of_client() -> list[BaseRoute]:
    """Return the route of the tab of an application's page."""
    return [Route("/admin/clients/client/site", site.show_site, methods=["GET"], name="admin_client_site")]
