"""The URLs of claim mappings, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import claim_mappings as api
from provider.admin.pages.clients import claims as client_pages
from provider.admin.pages.declarations import claim_mappings as pages


def in_api() -> list[BaseRoute]:
    at, one, preview = "/api/admin/claim-mappings", "/api/admin/claim-mappings/{mapping}", api.preview_claims
    return [
        Route(at, api.list_mappings, methods=["GET"], name="list_claim_mappings"),
        Route(one, api.show_mapping, methods=["GET"], name="show_claim_mapping"),
        Route(one, api.put_mapping, methods=["PUT"], name="put_claim_mapping"),
        Route(one, api.delete_mapping, methods=["DELETE"], name="delete_claim_mapping"),
        Route("/api/admin/claims-preview", preview, methods=["GET"], name="preview_claims"),
    ]


def in_console() -> list[BaseRoute]:
    get, post, both, at = ["GET"], ["POST"], ["GET", "POST"], pages.PATH
    return [
        Route(at, pages.list_mappings, methods=get, name="admin_claim_mappings"),
        Route(f"{at}/new", pages.show_new_mapping, methods=get, name="admin_show_new_claim_mapping"),
        Route(f"{at}/new", pages.create_mapping, methods=post, name="admin_create_claim_mapping"),
        Route(f"{at}/claim", pages.show_mapping, methods=get, name="admin_claim_mapping"),
        Route(f"{at}/claim", pages.save_mapping, methods=post, name="admin_save_claim_mapping"),
        Route(f"{at}/claim/{{action}}", pages.act_on_mapping, methods=both, name="admin_act_on_claim_mapping"),
    ]


def of_client() -> list[BaseRoute]:
    """Return the route of the tab of an application's page."""
    at = "/admin/clients/client/claims"
    return [Route(at, client_pages.show_claims, methods=["GET"], name="admin_client_claims")]
