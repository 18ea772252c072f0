"""The attributes that users have in another system, as values of declared attributes."""

from collections.abc import Mapping, Sequence
from typing import Any

from provider.accounts.attributes import kinds
from provider.accounts.attributes.declarations import Editor
from provider.accounts.attributes.kinds import InvalidValue, Kind
from provider.accounts.store.user_attributes import Attribute


def fitting_values(
    declared: Sequence[Attribute], moved: Mapping[str, Any], *, editor: Editor
) -> tuple[dict[str, Any], list[str]]:
    """Return the values that conform to the declarations, by name, and a note for each that is left out. `moved` has
    the values as they are in the export, by the name of the declaration.
    """
    known = {one.name: one for one in declared}
    found: dict[str, Any] = {}
    notes = []
    for name, value in moved.items():
        attribute = known.get(name)
        if attribute is None or editor not in attribute.seen_by or editor not in attribute.edited_by:
            notes.append(f"Attribute {name} is skipped: it can't be changed by an import.")
            continue
        try:
            fitting = _value(attribute, value)
        except InvalidValue as invalid:
            notes.append(f"Attribute {name} is skipped: {invalid.problem}")
            continue
        if fitting is not None:
            found[name] = fitting
    return found, notes


def _value(attribute: Attribute, value: Any) -> Any:
    """Return a value as it is stored, or None for an empty one. Text is read as in a form, and a number may be text of
    its own: a customer number, for example. Raises InvalidValue.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and Kind(attribute.type) in {Kind.TEXT, Kind.ENUM}:
        value = kinds.to_text(value)
    return kinds.from_text(attribute, value) if isinstance(value, str) else kinds.check(attribute, value)
