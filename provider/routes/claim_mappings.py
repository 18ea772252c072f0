"""The URLs of claim mappings, in the admin API and in the console."""

from starlette.routing import BaseRoute, Route

from provider.admin.api import claim_mappings as api


def in_api() -> list[BaseRoute]:
    at, one, preview = "/api/admin/claim-mappings", "/api/admin/claim-mappings/{name}", api.preview_claims
    return [
        Route(at, api.list_mappings, methods=["GET"], name="list_claim_mappings"),
        Route(one, api.show_mapping, methods=["GET"], name="show_claim_mapping"),
        Route(one, api.put_mapping, methods=["PUT"], name="put_claim_mapping"),
        Route(one, api.delete_mapping, methods=["DELETE"], name="delete_claim_mapping"),
        Route("/api/admin/claims-preview/{client_id:path}", preview, methods=["GET"], name="preview_claims"),
    ]
