"""Claim mappings: list, show, declare, change and delete them, and preview what an application gets for a user."""

from datetime import datetime
from typing import Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import InvalidMapping, parse_declaration
from provider.oauth.clients.clients import NoSuchClient, find_client
from provider.oauth.http.server import server_of
from provider.oauth.scopes import parse_scope
from provider.oauth.tokens import claim_mappings as rules
from provider.oauth.tokens.claim_mappings import NoSuchMapping
from provider.operators import claim_mappings, claims_preview
from provider.operators.authority import MorePermissions
from provider.operators.claims_preview import InvalidPreview
from provider.web.call import Call

_ABOUT = {
    "claim": r"The name of the claim. Dots nest: `shop.customer`. `\.` is a dot in a name.",
    "client_id": "The application that gets the claim. Absent: every application with the scope.",
    "scope": "The scope that releases the claim. Absent: any scope.",
    "places": "Where the claim is: `id_token`, `access_token`, `userinfo` and `introspection`.",
    "source": "Where the value comes from: `attribute`, `groups`, `roles`, `constant` or `expression`.",
    "attribute": "The name of the attribute, for the source `attribute`.",
    "value": "The value, for the source `constant`.",
    "expression": "The expression (CEL), for the source `expression`.",
    "prefix": "Only groups or roles whose names begin with this.",
    "strip_prefix": "Whether the prefix is removed from the names.",
    "only": "The groups or roles that are listed, each with the text to write for it. Absent: all.",
    "format": "How groups and roles are written: `list`, `comma`, `space`, or `first` for the first one alone.",
    "description": "What the scope allows, as users read it on the consent page. For scopes of your own.",
}
_PREVIEW = {
    "client_id": "The client_id of the application.",
    "user_id": "The ID of the user.",
    "scope": "The scopes, with a space between them. Without it: all that the application is registered for.",
}


class ClaimMapping(Body):
    """A claim mapping."""

    name: str = Field(description="The name of the mapping.")
    claim: str = Field(description=_ABOUT["claim"])
    client_id: str | None = Field(None, description=_ABOUT["client_id"])
    scope: str | None = Field(None, description=_ABOUT["scope"])
    places: list[str] = Field(description=_ABOUT["places"])
    source: str = Field(description=_ABOUT["source"])
    attribute: str | None = Field(None, description=_ABOUT["attribute"])
    value: Any = Field(None, description=_ABOUT["value"])
    expression: str | None = Field(None, description=_ABOUT["expression"])
    prefix: str = Field(description=_ABOUT["prefix"])
    strip_prefix: bool = Field(description=_ABOUT["strip_prefix"])
    only: dict[str, str] | None = Field(None, description=_ABOUT["only"])
    format: str = Field(description=_ABOUT["format"])
    description: dict[str, str] = Field(description=_ABOUT["description"])
    created_at: datetime = Field(description="When the mapping was declared.")
    updated_at: datetime = Field(description="When the mapping was last changed.")


class ClaimMappings(Body):
    """The claim mappings."""

    mappings: list[ClaimMapping] = Field(description="The mappings, ordered by name.")


class MappingDeclaration(Body):
    """The declaration of a claim mapping."""

    claim: str = Field(description=_ABOUT["claim"])
    client_id: str | None = Field(None, description=_ABOUT["client_id"])
    scope: str | None = Field(None, description=_ABOUT["scope"])
    places: list[str] | None = Field(None, description=f"{_ABOUT['places']} Without it: all four.")
    source: str = Field(description=_ABOUT["source"])
    attribute: str | None = Field(None, description=_ABOUT["attribute"])
    value: Any = Field(None, description=_ABOUT["value"])
    expression: str | None = Field(None, description=_ABOUT["expression"])
    prefix: str = Field("", description=_ABOUT["prefix"])
    strip_prefix: bool = Field(False, description=_ABOUT["strip_prefix"])
    only: list[str] | dict[str, str] | None = Field(None, description=f"{_ABOUT['only']} A list keeps the names.")
    format: str = Field("list", description=_ABOUT["format"])
    description: str | dict[str, str] = Field(
        "", description=f"{_ABOUT['description']} An object of language tag and text; a string is English."
    )


class ClaimsPreview(Body):
    """The claims that an application would get for a user now."""

    scope: list[str] = Field(description="The scopes that the claims are for.")
    id_token: dict[str, Any] | None = Field(
        None, description="The claims of the ID token. Absent without the scope openid."
    )
    access_token: dict[str, Any] = Field(description="The claims of the access token.")
    userinfo: dict[str, Any] | None = Field(None, description="The userinfo response. Absent without the scope openid.")
    introspection: dict[str, Any] = Field(description="What introspection says about the access token.")


def _show(call: Call) -> ClaimMapping:
    return _describe(rules.find_mapping(call.work, call.path_params["mapping"]))


MAPPING = Resource(lambda call: rules.lock_mapping(call.work, call.path_params["mapping"]), _show)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=ClaimMappings)
def list_mappings(call: Call, _operator: Operator, _body: Body) -> ClaimMappings:
    """List the claim mappings. They are what operators added to tokens, userinfo and introspection."""
    return ClaimMappings(mappings=[_describe(one) for one in store.find_all(call.work.read)])


@by_operator(needs=Permission.APPLICATIONS_READ, of=MAPPING, gives=ClaimMapping, problems=(NoSuchMapping,))
def show_mapping(call: Call, _operator: Operator, _body: Body) -> ClaimMapping:
    """Get a claim mapping."""
    return _show(call)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=MAPPING,
    takes=MappingDeclaration,
    gives=ClaimMapping,
    problems=(InvalidMapping, InvalidBody, NoSuchMapping),
)
def put_mapping(call: Call, operator: Operator, body: MappingDeclaration) -> ClaimMapping:
    """Change a claim mapping. It is created if there is none. Tokens that exist keep their claims; refreshed ones have
    the new ones. A mapping without a client, and one for a client with a reserved scope or `first_party`, needs the
    permission `applications:trust`.
    """
    declaration = parse_declaration(body.model_dump())
    return _describe(
        claim_mappings.put_mapping(call.work, operator.permissions, call.path_params["mapping"], declaration)
    )


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=MAPPING, problems=(NoSuchMapping,))
def delete_mapping(call: Call, operator: Operator, _body: Body) -> None:
    """Delete a claim mapping. Later tokens don't have its claim."""
    claim_mappings.delete_mapping(call.work, operator.permissions, call.path_params["mapping"])


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ClaimsPreview,
    asks=_PREVIEW,
    problems=(NoSuchClient, NoSuchUser, InvalidPreview, MorePermissions),
)
def preview_claims(call: Call, operator: Operator, _body: Body) -> ClaimsPreview:
    """Get the claims of a user for a client. It is a preview: nothing is signed and no token is issued.
    It also needs the permission `users:read`, and is recorded in the audit log.
    """
    if Permission.USERS_READ not in operator.permissions:
        raise MorePermissions(Text("A preview also needs the permission users:read."))
    client = find_client(call.work, call.query.get("client_id", ""))
    if client is None:
        raise NoSuchClient
    user_id = parse_id(call.query.get("user_id", ""))
    if user_id is None:
        raise NoSuchUser
    asked = parse_scope(call.query.get("scope"))
    found = claims_preview.preview(call.work, server_of(call), client, user_id=user_id, scope=asked)
    return ClaimsPreview(
        scope=list(found.scope),
        id_token=None if found.id_token is None else dict(found.id_token),
        access_token=dict(found.access_token),
        userinfo=None if found.userinfo is None else dict(found.userinfo),
        introspection=dict(found.introspection),
    )


def _describe(one: store.ClaimMapping) -> ClaimMapping:
    return ClaimMapping(**{name: getattr(one, name) for name in ClaimMapping.model_fields})
