"""The user's own attributes, as operators declared them."""

from typing import Any

from pydantic import Field

from provider.accounts.attributes import values
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.api.bodies import Body, InvalidBody
from provider.api.callers import Bearer
from provider.api.operation import by_person
from provider.web.call import Call


class OwnAttribute(Body):
    """An attribute of the user."""

    name: str = Field(description="The name of the attribute.")
    type: str = Field(description="The type of its value: text, number, boolean, date, enum, list or json.")
    label: dict[str, str] = Field(description="The label, by language tag.")
    help: dict[str, str] = Field(description="A hint below the label, by language tag.")
    rules: dict[str, Any] = Field(description="What a value must conform to.")
    editable: bool = Field(description="Whether the user can change it.")
    required: bool = Field(description="Whether it can't be removed.")
    value: Any = Field(None, description="The value. Absent if there is none.")
    problem: str | None = Field(
        None, description="Why the value doesn't conform to the rules, which have changed. Absent if it does."
    )


class OwnAttributes(Body):
    """The attributes of the user."""

    attributes: list[OwnAttribute] = Field(description="The attributes that the user may see, in the order of forms.")


class AttributeChanges(Body):
    """The attributes to change."""

    values: dict[str, Any] = Field(
        description="The new values, by the names of the attributes. null removes a value. Others stay unchanged."
    )


@by_person(gives=OwnAttributes)
def show_attributes(call: Call, bearer: Bearer, _body: Body) -> OwnAttributes:
    """List the user's attributes. Each has what operators declared about it."""
    return _show(call, bearer)


@by_person(takes=AttributeChanges, gives=OwnAttributes)
def change_attributes(call: Call, bearer: Bearer, body: AttributeChanges) -> OwnAttributes:
    """Change attributes. Others stay unchanged, and only those can be changed that the user can edit."""
    try:
        values.change_values(
            call.work, user_id=bearer.user_id, given=body.values, editor=Editor.USER, place=Place.PROFILE
        )
    except InvalidAttributes as refusal:
        raise invalid_members(refusal, "values") from None
    return _show(call, bearer)


def invalid_members(refusal: InvalidAttributes, member: str) -> InvalidBody:
    """Return the same refusal for a body that has the values in this member."""
    return InvalidBody([{"member": f"{member}.{name}", "problem": text} for name, text in refusal.errors.items()])


def _show(call: Call, bearer: Bearer) -> OwnAttributes:
    found = values.find_of_user(call.work, bearer.user_id, seen_by=Editor.USER)
    return OwnAttributes(attributes=[_describe(one) for one in found])


def _describe(one: UserAttribute) -> OwnAttribute:
    declared, editable = one.attribute, one.may_edit(Editor.USER)
    return OwnAttribute(
        name=declared.name,
        type=declared.type,
        label=declared.label,
        help=declared.help,
        rules=declared.rules,
        editable=editable,
        required=editable and Place.PROFILE in declared.required_at,
        value=one.value,
        problem=one.problem,
    )
