"""The declared attributes of a user as fields of a form: at sign-up, on the profile page and in the console."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provider.accounts.attributes import kinds
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.kinds import NO, YES, InvalidValue, Kind
from provider.accounts.attributes.values import InvalidAttributes, UserAttribute
from provider.languages.text import OwnText, Text
from provider.web.call import Call

PREFIX = "attributes."
"""How the names of these fields begin, so that none is also that of a claim."""
SHOWN = "attributes"
"""The hidden field with the names of the attributes in the form. An empty field is not sent as a value."""
ONE_A_LINE = Text("One value per line.")
TEXT_AREAS = frozenset({Kind.LIST, Kind.JSON})


@dataclass(frozen=True)
class AttributeField:
    """One attribute in a form. Without `is_editable` only its value is shown."""

    name: str
    attribute: str
    label: Text
    hint: Text | None
    text: str
    """What the field shows."""
    shown: tuple[Text | str, ...]
    """The stored value in words."""
    is_editable: bool
    is_required: bool
    is_long: bool
    """Whether the value has several lines."""
    options: Sequence[Mapping[str, Any]]
    """The options of a list of values."""
    problem: Text | None
    """Why the stored value does not conform to the rules as they are now."""


def fields_of(
    found: Iterable[UserAttribute], *, editor: Editor, place: Place, typed: Mapping[str, str] | None = None
) -> list[AttributeField]:
    """Return the fields of these attributes, with what was typed if a form was sent."""
    return [_field(one, editor, place, typed) for one in found]


def typed_values(call: Call, found: Iterable[UserAttribute], *, editor: Editor) -> dict[str, str]:
    """Return what was typed into the fields that can be edited, by the names of the attributes. What was declared since
    the form was shown is left out.
    """
    shown = call.form.get(SHOWN, "").split()
    names = [one.attribute.name for one in found if one.may_edit(editor)]
    return {name: call.form.text(PREFIX + name) for name in names if name in shown}


def read_values(found: Iterable[UserAttribute], typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that were typed. Text that is the same as before stays the value before. Raises
    InvalidAttributes.
    """
    values: dict[str, Any] = {}
    errors: dict[str, Text] = {}
    for one in found:
        name = one.attribute.name
        if name not in typed:
            continue
        text = "\n".join(typed[name].splitlines()).strip()
        try:
            unchanged = text == kinds.to_text(one.value).strip()
            values[name] = one.value if unchanged else kinds.from_text(one.attribute, text)
        except InvalidValue as invalid:
            errors[name] = invalid.problem
    if errors:
        raise InvalidAttributes(errors)
    return values


def errors_of(refusal: InvalidAttributes) -> dict[str, str]:
    """Return the problems by the names of the fields."""
    return {PREFIX + name: problem for name, problem in refusal.errors.items()}


def _field(one: UserAttribute, editor: Editor, place: Place, typed: Mapping[str, str] | None) -> AttributeField:
    declared, stored = one.attribute, kinds.to_text(one.value)
    kind = Kind(declared.type)
    text = stored if typed is None else typed.get(declared.name, stored)
    return AttributeField(
        name=PREFIX + declared.name,
        attribute=declared.name,
        label=OwnText(declared.label),
        hint=OwnText(declared.help) if declared.help else (ONE_A_LINE if kind is Kind.LIST else None),
        text=text,
        shown=() if one.value is None else kinds.in_words(declared, one.value),
        is_editable=one.may_edit(editor),
        is_required=place in declared.required_at,
        is_long=kind in TEXT_AREAS,
        options=_options(kind, declared.rules, text),
        problem=one.problem,
    )


def _options(kind: Kind, rules: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """Return the options of a choice, with the value that is stored even if it is no longer one of them."""
    if kind is Kind.BOOLEAN:
        known: dict[str, Any] = {"true": YES, "false": NO}
    elif kind is Kind.ENUM:
        known = {value: OwnText(label) if label else value for value, label in rules["values"].items()}
    else:
        return []
    if text and text not in known:
        known[text] = text
    return [{"value": value, "label": label} for value, label in ({"": Text("Not set")} | known).items()]
