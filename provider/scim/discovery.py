"""What a client can find out (RFC 7644 section 4): capabilities, resource types and schemas."""

from typing import Any

from scim2_models import Extension, Reference, Resource, ResourceType, Schema, ServiceProviderConfig
from scim2_models.reference import URI
from scim2_models.resources.resource_type import SchemaExtension

from provider.scim import attributes, bulk, filters, lists
from provider.scim.errors import ScimRefusal
from provider.scim.models import GROUP, USER, EnterpriseUser, Group, User
from provider.work import UnitOfWork

DOCUMENTATION = "https://datatracker.ietf.org/doc/html/rfc7644"


def config(work: UnitOfWork) -> dict[str, Any]:
    """Return the capabilities (RFC 7643 section 5, RFC 9865 section 4)."""
    base = f"{work.settings.issuer}/scim/v2"
    return {
        "schemas": [str(ServiceProviderConfig.__schema__)],
        "documentationUri": DOCUMENTATION,
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": bulk.MOST_OPERATIONS,
            "maxPayloadSize": bulk.LARGEST,
        },
        "filter": {"supported": True, "maxResults": filters.MOST},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": lists.USUAL,
            "maxPageSize": lists.MOST,
            "cursorTimeout": int(lists.CURSOR_LIFETIME.total_seconds()),
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth 2.0 access token",
                "description": "An access token of the client credentials grant with the scope scim.",
                "specUri": "https://datatracker.ietf.org/doc/html/rfc6750",
                "primary": True,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "The client_id and the secret of a client with the scope scim.",
                "specUri": "https://datatracker.ietf.org/doc/html/rfc7617",
            },
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(work: UnitOfWork) -> list[dict[str, Any]]:
    """Return the kinds of resources (RFC 7643 section 6)."""
    user: Any = attributes.model_of(attributes.find_declared(work))
    extensions = [SchemaExtension(schema_=Reference[URI](urn), required=False) for urn in user.get_extension_models()]
    described: tuple[tuple[str, str, str, list[SchemaExtension]], ...] = (
        ("User", "Users", USER, extensions),
        ("Group", "Groups", GROUP, []),
    )
    found = []
    for name, endpoint, core, extended in described:
        one = ResourceType(
            id=name,
            name=name,
            description=f"The {endpoint.lower()} of this service.",
            endpoint=Reference[URI](f"/{endpoint}"),
            schema_=Reference[URI](core),
            schema_extensions=extended,
        ).model_dump()
        location = f"{work.settings.issuer}/scim/v2/ResourceTypes/{name}"
        found.append({**one, "meta": {"resourceType": "ResourceType", "location": location}})
    return found


def schemas(work: UnitOfWork) -> list[dict[str, Any]]:
    """Return all schemas (RFC 7643 section 7): those of users, of groups, of extensions, and of these documents."""
    extension = attributes.extension_of(attributes.find_declared(work))
    models: list[type[Resource[Any] | Extension]] = [User, EnterpriseUser, Group]
    models += [] if extension is None else [extension]
    models += [ServiceProviderConfig, ResourceType, Schema]
    base = f"{work.settings.issuer}/scim/v2/Schemas"
    found = [model.to_schema().model_dump() for model in models]
    return [{**one, "meta": {"resourceType": "Schema", "location": f"{base}/{one['id']}"}} for one in found]


def find(found: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the document with this ID. Raises ScimRefusal."""
    one = next((each for each in found if each["id"] == wanted), None)
    if one is None:
        raise ScimRefusal(None, f"Resource {wanted[:300]} not found.", status=404)
    return one
