"""Declared attributes of users as a schema extension: those that programs may see (`accounts.attributes`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union

from scim2_models import CaseExact, Extension, Mutability, Required, Resource, Schema
from scim2_models.resources.schema import Attribute

from provider.accounts.attributes import kinds
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.kinds import InvalidValue, Kind
from provider.accounts.attributes.values import UserAttribute
from provider.accounts.store import user_attributes
from provider.accounts.store.user_attributes import Attribute as Declared
from provider.scim.errors import invalid
from provider.scim.models import EnterpriseUser, User
from provider.work import UnitOfWork

URN = "urn:signet:scim:schemas:extension:attributes:2.0:User"
TYPES = {Kind.BOOLEAN: Attribute.Type.boolean, Kind.NUMBER: Attribute.Type.decimal}
"""The SCIM type of each type of attribute; all others are strings. JSON is a string that contains it."""


@dataclass(frozen=True)
class Shown:
    """A declared attribute as the schema has it."""

    name: str
    description: str
    type: Attribute.Type
    is_list: bool
    is_required: bool
    may_edit: bool
    options: tuple[str, ...]


def find_declared(work: UnitOfWork) -> list[Declared]:
    """Return the attributes that clients see, in the order of forms."""
    return [one for one in user_attributes.find_all(work.read) if Editor.API in one.seen_by]


def model_of(declared: list[Declared]) -> type[Resource[Any]]:
    """Return the model of users with its extensions."""
    return _model(tuple(_shown(one) for one in declared))


def extension_of(declared: list[Declared]) -> type[Extension] | None:
    """Return the extension of declared attributes, or None if there is none."""
    return _extension(tuple(_shown(one) for one in declared))


def show(found: list[UserAttribute]) -> dict[str, Any]:
    """Return the values of a user as the extension has them, by name."""
    return {one.attribute.name: _to_scim(one) for one in found if one.value is not None}


def read(declared: list[Declared], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a client sent, as `accounts.attributes.values` takes them: None for those that are
    missing. Raises ScimRefusal.
    """
    return {one.name: _from_scim(one, given.get(one.name)) for one in declared if Editor.API in one.edited_by}


def _shown(one: Declared) -> Shown:
    kind = Kind(one.type)
    is_whole = kind is Kind.NUMBER and bool(one.rules.get("whole"))
    return Shown(
        name=one.name,
        description=one.label.get("en") or next(iter(one.label.values()), one.name),
        type=Attribute.Type.integer if is_whole else TYPES.get(kind, Attribute.Type.string),
        is_list=kind is Kind.LIST,
        is_required=Place.ADMIN in one.required_at and Editor.API in one.edited_by,
        may_edit=Editor.API in one.edited_by,
        options=tuple(one.rules.get("values") or ()),
    )


@lru_cache(maxsize=4)  # of one installation; a declaration changes now and then
def _extension(shown: tuple[Shown, ...]) -> type[Extension] | None:
    if not shown:
        return None
    attributes = [
        Attribute(
            name=one.name,
            type=one.type,
            multi_valued=one.is_list,
            description=one.description,
            required=Required(one.is_required),
            case_exact=CaseExact.false,
            mutability=Mutability.read_write if one.may_edit else Mutability.read_only,
            canonical_values=list(one.options) or None,
        )
        for one in shown
    ]
    text = "Attributes that operators declared."
    return Extension.from_schema(Schema(id=URN, name="UserAttributes", description=text, attributes=attributes))


@lru_cache(maxsize=4)
def _model(shown: tuple[Shown, ...]) -> type[Resource[Any]]:
    extension = _extension(shown)
    # Subscripted like this, because a checker takes the index for a type.
    extensions: Any = EnterpriseUser if extension is None else Union[EnterpriseUser, extension]  # noqa: UP007
    return User.__class_getitem__(extensions)


def _to_scim(one: UserAttribute) -> Any:
    return kinds.to_text(one.value) if Kind(one.attribute.type) is Kind.JSON else one.value


def _from_scim(one: Declared, value: Any) -> Any:
    if value is None:
        return None
    kind = Kind(one.type)
    try:
        if kind is Kind.JSON:
            return kinds.from_text(one, value) if isinstance(value, str) else kinds.check(one, value)
        if kind is Kind.NUMBER and isinstance(value, float) and value.is_integer():
            value = int(value)
        return kinds.check(one, value)
    except InvalidValue as refused:
        raise invalid(f"{URN}:{one.name}: {refused.problem}") from None
