"""The attributes of users: list, show, declare, change and delete them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from provider.accounts.attributes import declared
from provider.accounts.attributes.declarations import InvalidAttribute, parse_declaration
from provider.accounts.attributes.declared import NoSuchAttribute
from provider.accounts.roles.permissions import Permission
from provider.accounts.store import user_attributes as store
from provider.accounts.store.user_attributes import Attribute
from provider.admin.operation import Resource, by_operator
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Operator
from provider.web.call import Call

_TEXT = "An object of language tag and text; a string is English."
_ABOUT = {
    "type": "The type of its values: text, number, boolean, date, enum, list (of texts) or json. It can't be changed.",
    "label": "What pages call the attribute.",
    "help": "A hint below the label.",
    "rules": (
        "What a value must conform to: `min_length`, `max_length`, `pattern` (text, list), `min`, `max` (number, "
        "date), `whole` (number), `values` (enum, list), `min_items`, `max_items` (list), `json_schema` (json)."
    ),
    "seen_by": "Who sees the values: `user`, `operator` (a person), `api` (a client of the admin API).",
    "edited_by": "Who edits the values. They must see them too.",
    "shown_at": "The pages of users that show the attribute: `sign-up`, `profile`.",
    "required_at": "Where a value is required: `sign-up`, `profile`, `admin` (wherever operators change users).",
    "searchable": "Whether operators can find users by a value. Not for list and json.",
    "position": "Where forms show it: lower numbers first.",
    "scope": "The scope that releases the attribute to apps. Without one, no app gets it.",
    "claim": "Its name in userinfo and the ID token. Usually the name of the attribute.",
}


class AttributeDeclaration(Body):
    """The declaration of an attribute."""

    type: str = Field(description=_ABOUT["type"])
    label: str | dict[str, str] = Field(description=f"{_ABOUT['label']} {_TEXT}")
    help: str | dict[str, str] = Field("", description=f"{_ABOUT['help']} {_TEXT}")
    rules: dict[str, Any] = Field({}, description=_ABOUT["rules"])
    seen_by: list[str] | None = Field(None, description=f"{_ABOUT['seen_by']} Default: operator and api.")
    edited_by: list[str] | None = Field(None, description=f"{_ABOUT['edited_by']} Default: operator and api.")
    shown_at: list[str] = Field([], description=_ABOUT["shown_at"])
    required_at: list[str] = Field([], description=_ABOUT["required_at"])
    searchable: bool = Field(False, description=_ABOUT["searchable"])
    position: int = Field(0, description=_ABOUT["position"])
    scope: str | None = Field(None, description=_ABOUT["scope"])
    claim: str | None = Field(None, description=_ABOUT["claim"])


class DeclaredAttribute(Body):
    """A declared attribute of users."""

    name: str = Field(description="The name of the attribute, in the API and in files.")
    type: str = Field(description=_ABOUT["type"])
    label: dict[str, str] = Field(description=_ABOUT["label"])
    help: dict[str, str] = Field(description=_ABOUT["help"])
    rules: dict[str, Any] = Field(description=_ABOUT["rules"])
    seen_by: list[str] = Field(description=_ABOUT["seen_by"])
    edited_by: list[str] = Field(description=_ABOUT["edited_by"])
    shown_at: list[str] = Field(description=_ABOUT["shown_at"])
    required_at: list[str] = Field(description=_ABOUT["required_at"])
    searchable: bool = Field(description=_ABOUT["searchable"])
    position: int = Field(description=_ABOUT["position"])
    scope: str | None = Field(None, description=_ABOUT["scope"])
    claim: str | None = Field(None, description=_ABOUT["claim"])
    released_since: datetime | None = Field(
        None, description="When the scope or the claim was last set. Grants from before don't release the attribute."
    )
    created_at: datetime = Field(description="When the attribute was declared.")
    updated_at: datetime = Field(description="When the declaration was last changed.")


class DeclaredAttributes(Body):
    """The declared attributes of users."""

    attributes: list[DeclaredAttribute] = Field(description="The attributes, in the order of forms.")


def _show(call: Call) -> DeclaredAttribute:
    return _describe(declared.find_attribute(call.work, call.path_params["name"]))


ATTRIBUTE = Resource(lambda call: declared.lock_attribute(call.work, call.path_params["name"]), _show)


@by_operator(needs=Permission.USERS_READ, gives=DeclaredAttributes)
def list_attributes(call: Call, _operator: Operator, _body: Body) -> DeclaredAttributes:
    """List the attributes of users. Operators declare them."""
    return DeclaredAttributes(attributes=[_describe(one) for one in store.find_all(call.work.read)])


@by_operator(needs=Permission.USERS_READ, of=ATTRIBUTE, gives=DeclaredAttribute, problems=(NoSuchAttribute,))
def show_attribute(call: Call, _operator: Operator, _body: Body) -> DeclaredAttribute:
    """Get an attribute of users."""
    return _show(call)


@by_operator(
    needs=Permission.SETTINGS_WRITE,
    of=ATTRIBUTE,
    takes=AttributeDeclaration,
    gives=DeclaredAttribute,
    problems=(InvalidAttribute, InvalidBody, NoSuchAttribute),
)
def put_attribute(call: Call, _operator: Operator, body: AttributeDeclaration) -> DeclaredAttribute:
    """Change an attribute of users. It is created if there is none. Values that exist stay as they are until
    they are edited.
    """
    name = call.path_params["name"]
    return _describe(declared.put_attribute(call.work, name, parse_declaration(name, body.model_dump())))


@by_operator(needs=Permission.SETTINGS_WRITE, of=ATTRIBUTE, problems=(NoSuchAttribute,))
def delete_attribute(call: Call, _operator: Operator, _body: Body) -> None:
    """Delete an attribute of users. Its values are deleted, and apps don't get it any more."""
    declared.delete_attribute(call.work, call.path_params["name"])


def _describe(one: Attribute) -> DeclaredAttribute:
    return DeclaredAttribute(**{name: getattr(one, name) for name in DeclaredAttribute.model_fields})
