"""The values of a user's attributes: read them, and change them by the rules and by who may edit them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from provider.accounts.attributes import kinds
from provider.accounts.attributes.declarations import Editor, Place
from provider.accounts.attributes.kinds import InvalidValue
from provider.accounts.store import attribute_values, user_attributes, users
from provider.accounts.store.user_attributes import Attribute
from provider.audit.events import Event
from provider.audit.log import record
from provider.jose.json_objects import write_json
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.work import UnitOfWork

REQUIRED = Text("This field is required.")
UNKNOWN = Text("There is no attribute with this name.")
READ_ONLY = Text("This attribute can't be changed here.")


class InvalidAttributes(Refusal):
    """Values that are not accepted. `errors` has the problem of each, by the name of its attribute."""

    code = "invalid-user-attributes"

    def __init__(self, errors: Mapping[str, Text]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in errors.items()))


@dataclass(frozen=True)
class UserAttribute:
    """An attribute of a user, with its value, or None if it has none."""

    attribute: Attribute
    value: Any

    @property
    def problem(self) -> Text | None:
        """Why the value does not conform to the rules as they are now. They may have changed since it was stored."""
        return None if self.value is None else kinds.problem_with(self.attribute, self.value)

    def may_edit(self, editor: Editor) -> bool:
        return editor in self.attribute.edited_by


def find_of_user(work: UnitOfWork, user_id: str, *, seen_by: Editor | None = None) -> list[UserAttribute]:
    """Return the declared attributes with the user's values, or only those that `seen_by` may see."""
    return find_of_users(work, [user_id], seen_by=seen_by)[user_id]


def find_of_users(
    work: UnitOfWork, user_ids: Collection[str], *, seen_by: Editor | None = None
) -> dict[str, list[UserAttribute]]:
    """Return the declared attributes of each of these users, as `find_of_user` does. Runs one query, and one more if
    an attribute is declared.
    """
    declared = [one for one in user_attributes.find_all(work.read) if seen_by is None or seen_by in one.seen_by]
    values = attribute_values.find_of_users(work.read, user_ids) if declared else {}
    return {
        user_id: [UserAttribute(one, values.get(user_id, {}).get(one.id)) for one in declared] for user_id in user_ids
    }


def set_values(found: Iterable[UserAttribute]) -> dict[str, Any]:
    """Return the values that are set, by name."""
    return {one.attribute.name: one.value for one in found if one.value is not None}


def problems_of(found: Iterable[UserAttribute]) -> dict[str, str]:
    """Return why values do not conform to the rules as they are now, by name."""
    return {one.attribute.name: problem for one in found if (problem := one.problem) is not None}


def from_texts(
    work: UnitOfWork, given: Mapping[str, Any], *, among: Sequence[Attribute] | None = None
) -> dict[str, Any]:
    """Return values of which some are text, such as `true` or `3.5`, as in a form. `among` are the declared attributes,
    if the caller has read them. Raises InvalidAttributes.
    """
    found: dict[str, Any] = {}
    errors: dict[str, Text] = {}
    declared = {one.name: one for one in _declared(work, among)} if given else {}
    for name, value in given.items():
        try:
            is_text = isinstance(value, str) and name in declared
            found[name] = kinds.from_text(declared[name], value) if is_text else value
        except InvalidValue as invalid:
            errors[name] = invalid.problem
    if errors:
        raise InvalidAttributes(errors)
    return found


def check_new(
    work: UnitOfWork,
    given: Mapping[str, Any],
    *,
    editor: Editor,
    place: Place,
    among: Sequence[Attribute] | None = None,
) -> dict[str, Any]:
    """Return the values of a new user as they are stored, by name. What is required there must be given. `among` are
    the declared attributes, if the caller has read them. Raises InvalidAttributes.
    """
    declared = [UserAttribute(one, None) for one in _declared(work, among)]
    return _check(declared, given, editor=editor, place=place, complete=True)


def _declared(work: UnitOfWork, among: Sequence[Attribute] | None) -> Sequence[Attribute]:
    return user_attributes.find_all(work.read) if among is None else among


def keep_valid(
    work: UnitOfWork, given: Mapping[str, Any], *, editor: Editor, place: Place
) -> tuple[dict[str, Any], dict[str, Text]]:
    """Return the values that are accepted, by name, of values that may be text as in a form, and the problems of the
    others. Empty ones are in neither.
    """
    kept: dict[str, Any] = {}
    errors: dict[str, Text] = {}
    declared = user_attributes.find_all(work.read) if given else []
    for name, value in given.items():
        try:
            found = from_texts(work, {name: value}, among=declared)
            if found[name] is not None:
                without = [UserAttribute(one, None) for one in declared]
                kept |= _check(without, found, editor=editor, place=place, complete=False)
        except InvalidAttributes as invalid:
            errors |= invalid.errors
    return kept, errors


def add_values(work: UnitOfWork, *, user_id: str, values: Mapping[str, Any]) -> None:
    """Store the values that `check_new` returned. No event is recorded: that of the new user says it."""
    if values:
        add_values_of(work, {user_id: values})


def add_values_of(work: UnitOfWork, values_of: Mapping[str, Mapping[str, Any]]) -> None:
    """Do the same for many users, by their ids."""
    declared = user_attributes.find_all(work.db) if values_of else []
    for user_id, values in values_of.items():
        _put(work, user_id, [UserAttribute(one, values[one.name]) for one in declared if one.name in values])


def change_values(
    work: UnitOfWork,
    *,
    user_id: str,
    given: Mapping[str, Any],
    editor: Editor,
    place: Place,
    complete: bool = False,
) -> None:
    """Change the given values; None removes one. Others stay. Raises InvalidAttributes.

    A value that is the same as before is kept, whether or not it conforms to the rules as they are now. With
    `complete`, everything that is required there must have a value afterwards.
    """
    if not given and not complete:
        return
    users.lock(work.db, user_id)
    before = _find(work.db, user_id)
    wanted = _check(before, given, editor=editor, place=place, complete=complete)
    changed = [
        UserAttribute(one.attribute, wanted[one.attribute.name])
        for one in before
        if one.attribute.name in wanted and not _is_equal(wanted[one.attribute.name], one.value)
    ]
    if changed:
        _put(work, user_id, changed)
        users.touch(work.db, user_id, now=work.now)
        record(work, Event.ATTRIBUTES_CHANGED, user_id=user_id, changed=sorted(one.attribute.name for one in changed))


def check_changes(work: UnitOfWork, *, user_id: str, given: Mapping[str, Any], editor: Editor, place: Place) -> None:
    """Find what would stop `change_values`, before anything is written. Raises InvalidAttributes."""
    if given:
        _check(_find(work.read, user_id), given, editor=editor, place=place, complete=False)


def _find(db: Connection, user_id: str) -> list[UserAttribute]:
    declared = user_attributes.find_all(db)
    values = attribute_values.find_of_users(db, [user_id]).get(user_id, {}) if declared else {}
    return [UserAttribute(one, values.get(one.id)) for one in declared]


def _check(
    before: list[UserAttribute], given: Mapping[str, Any], *, editor: Editor, place: Place, complete: bool
) -> dict[str, Any]:
    known = {one.attribute.name: one for one in before}
    wanted: dict[str, Any] = {}
    errors: dict[str, Text] = {}
    for name, value in given.items():
        one = known.get(name)
        if one is None or editor not in one.attribute.seen_by:
            errors[name] = UNKNOWN
        elif not one.may_edit(editor):
            errors[name] = READ_ONLY
        elif value is not None and _is_equal(value, one.value):
            wanted[name] = value
        else:
            try:
                wanted[name] = kinds.check(one.attribute, value)
            except InvalidValue as invalid:
                errors[name] = invalid.problem
    for name, one in known.items():
        is_asked = one.may_edit(editor) and place in one.attribute.required_at and (complete or name in wanted)
        if is_asked and name not in errors and wanted.get(name, one.value) is None:
            errors[name] = REQUIRED
    if errors:
        raise InvalidAttributes(errors)
    return wanted


def _put(work: UnitOfWork, user_id: str, changed: Iterable[UserAttribute]) -> None:
    rows = {one.attribute.id: (one.value, kinds.key_of(one.attribute, one.value)) for one in changed}
    attribute_values.put(work.db, user_id, rows, now=work.now)


def _is_equal(value: object, other: object) -> bool:
    """Return whether two JSON values are equal as they are written: 1 is not true. What can't be written is equal to
    nothing that is stored.
    """
    try:
        return write_json(value) == write_json(other)
    except (ValueError, RecursionError):  # a lone surrogate, or nested too deeply
        return False
