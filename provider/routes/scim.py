"""The URLs of SCIM 2.0 (RFC 7644 section 3.2)."""

from starlette.routing import BaseRoute, Route

from provider.config.settings import Settings
from provider.scim import endpoints
from provider.scim.endpoints import Kind

BASE = "/scim/v2"


def scim(_settings: Settings) -> list[BaseRoute]:
    """Return the routes of SCIM."""
    get, post = ["GET"], ["POST"]
    everything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        *_resources("Users"),
        *_resources("Groups"),
        Route(f"{BASE}/Bulk", endpoints.bulk, methods=post, name="scim_bulk"),
        Route(f"{BASE}/.search", endpoints.not_implemented, methods=post, name="scim_search"),
        Route(f"{BASE}/Me", endpoints.not_implemented, methods=everything, name="scim_me"),
        Route(f"{BASE}/ServiceProviderConfig", endpoints.show_config, methods=get, name="scim_config"),
        Route(f"{BASE}/ResourceTypes", endpoints.list_documents("resource_types"), methods=get, name="scim_types"),
        Route(
            f"{BASE}/ResourceTypes/{{resource_id}}",
            endpoints.show_document("resource_types"),
            methods=get,
            name="scim_type",
        ),
        Route(f"{BASE}/Schemas", endpoints.list_documents("schemas"), methods=get, name="scim_schemas"),
        Route(f"{BASE}/Schemas/{{resource_id}}", endpoints.show_document("schemas"), methods=get, name="scim_schema"),
    ]


def _resources(kind: Kind) -> list[BaseRoute]:
    at, name = f"{BASE}/{kind}", f"scim_{kind.lower()}"
    one = f"{at}/{{resource_id}}"
    return [
        Route(at, endpoints.list_resources(kind), methods=["GET"], name=name),
        Route(at, endpoints.create_resource(kind), methods=["POST"], name=f"{name}_create"),
        Route(f"{at}/.search", endpoints.search_resources(kind), methods=["POST"], name=f"{name}_search"),
        Route(one, endpoints.show_resource(kind), methods=["GET"], name=f"{name}_show"),
        Route(one, endpoints.replace_resource(kind), methods=["PUT"], name=f"{name}_replace"),
        Route(one, endpoints.change_resource(kind), methods=["PATCH"], name=f"{name}_change"),
        Route(one, endpoints.delete_resource(kind), methods=["DELETE"], name=f"{name}_delete"),
    ]
