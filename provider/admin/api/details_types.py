"""The types of authorization details (RFC 9396): list, show, declare, change and delete them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details import types as rules
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.authorization_details.types import InvalidType, NoSuchType
from provider.web.call import Call

_TEXT = "An object of language tag and text; a string is English."
_ABOUT = {
    "label": "What the details are, as a heading on the consent page.",
    "description": "A sentence on the consent page, with members in braces: `Pay {amount.value} to {creditor}`.",
    "fields": "The labels of members, by their path, such as `amount.currency`.",
    "json_schema": "The JSON Schema (draft 2020-12) of one object, with `type: object`, `additionalProperties: false`.",
    "resources": "The identifiers of the APIs whose tokens get these details. Empty: all APIs.",
    "ask_each_time": "Whether users are asked again if they allowed the very same details before.",
}


class AuthorizationDetailsType(Body):
    """A type of authorization details."""

    type: str = Field(description="The name of the type, as apps send it.")
    label: dict[str, str] = Field(description=_ABOUT["label"])
    description: dict[str, str] = Field(description=_ABOUT["description"])
    fields: dict[str, dict[str, str]] = Field(description=_ABOUT["fields"])
    json_schema: dict[str, Any] = Field(description=_ABOUT["json_schema"])
    resources: list[str] = Field(description=_ABOUT["resources"])
    ask_each_time: bool = Field(description=_ABOUT["ask_each_time"])
    created_at: datetime = Field(description="When the type was declared.")
    updated_at: datetime = Field(description="When the declaration was last changed.")


class AuthorizationDetailsTypes(Body):
    """The declared types of authorization details."""

    types: list[AuthorizationDetailsType] = Field(description="The types, ordered by name.")


class TypeDeclaration(Body):
    """The declaration of a type."""

    label: str | dict[str, str] = Field(description=f"{_ABOUT['label']} {_TEXT}")
    description: str | dict[str, str] = Field("", description=f"{_ABOUT['description']} {_TEXT}")
    fields: dict[str, str | dict[str, str]] = Field({}, description=_ABOUT["fields"])
    json_schema: dict[str, Any] = Field(description=_ABOUT["json_schema"])
    resources: list[str] = Field([], description=_ABOUT["resources"])
    ask_each_time: bool = Field(False, description=_ABOUT["ask_each_time"])


def _show(call: Call) -> AuthorizationDetailsType:
    return _describe(rules.find_type(call.work, call.path_params["type"]))


TYPE = Resource(lambda call: rules.lock_type(call.work, call.path_params["type"]), _show)


@by_operator(needs=Permission.APPLICATIONS_READ, gives=AuthorizationDetailsTypes)
def list_types(call: Call, _operator: Operator, _body: Body) -> AuthorizationDetailsTypes:
    """List the types of authorization details. These are what applications can ask for (RFC 9396)."""
    return AuthorizationDetailsTypes(types=[_describe(one) for one in store.find_all(call.work.read)])


@by_operator(needs=Permission.APPLICATIONS_READ, of=TYPE, gives=AuthorizationDetailsType, problems=(NoSuchType,))
def show_type(call: Call, _operator: Operator, _body: Body) -> AuthorizationDetailsType:
    """Get a type of authorization details."""
    return _show(call)


@by_operator(
    needs=Permission.APPLICATIONS_WRITE,
    of=TYPE,
    takes=TypeDeclaration,
    gives=AuthorizationDetailsType,
    problems=(InvalidType, InvalidBody, NoSuchType),
)
def put_type(call: Call, _operator: Operator, body: TypeDeclaration) -> AuthorizationDetailsType:
    """Change a type of authorization details. It is created if there is none. Tokens that exist keep their details.
    Later ones get only details that conform to the new schema.
    """
    declaration = rules.parse_declaration(body.model_dump())
    return _describe(rules.put_type(call.work, call.path_params["type"], declaration))


@by_operator(needs=Permission.APPLICATIONS_WRITE, of=TYPE, problems=(NoSuchType,))
def delete_type(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete a type of authorization details. Applications can't ask for it, and later tokens don't have it."""
    rules.delete_type(call.work, call.path_params["type"])


def _describe(one: DetailsType) -> AuthorizationDetailsType:
    names = AuthorizationDetailsType.model_fields
    return AuthorizationDetailsType(**{name: getattr(one, name) for name in names})
