"""The attributes that operators declared: find, declare, change and delete them.

Values that exist when the rules change stay as they are until they are edited. Apps get an attribute only with grants
that are younger than its scope and its claim, so that no user is surprised (decision 310).
"""

from dataclasses import asdict

from provider.accounts.attributes.declarations import (
    Declaration,
    InvalidAttribute,
    is_attribute_name,
)
from provider.accounts.store import user_attributes as store
from provider.accounts.store.user_attributes import LONGEST_NAME, Attribute
from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.text import Text
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork

MOST = 100
"""The largest number of attributes."""


class NoSuchAttribute(NotFound):
    code = "no-such-user-attribute"
    title = Text("Attribute not found")
    message = Text("There is no attribute with this name.")


class AttributeExists(Refusal):
    code = "user-attribute-exists"
    status_code = 409
    title = Text("Attribute exists")
    message = Text("There is an attribute with this name already.")


def find_attribute(work: UnitOfWork, name: str) -> Attribute:
    """Return an attribute by its name. Raises NoSuchAttribute."""
    found = store.find(work.read, name) if is_attribute_name(name) else None
    if found is None:
        raise NoSuchAttribute
    return found


def lock_attribute(work: UnitOfWork, name: str) -> None:
    """Keep other changes of declarations waiting until the transaction ends. Raises NoSuchAttribute if it can't be
    one.
    """
    if not is_attribute_name(name):
        raise NoSuchAttribute
    store.lock(work.db)


def create_attribute(work: UnitOfWork, name: str, declaration: Declaration) -> Attribute:
    """Declare a new attribute. Raises InvalidAttribute or AttributeExists."""
    if not is_attribute_name(name):
        raise InvalidAttribute("name", f"must be 1 to {LONGEST_NAME} of a-z, 0-9 and _, and begin with a-z.")
    others = _lock_all(work, name)
    if any(one.name == name for one in others):
        raise AttributeExists
    if len(others) >= MOST:
        raise InvalidAttribute("name", f"is one too many. There can be at most {MOST} attributes.")
    _require_own_claim(declaration, others, name)
    since = work.now if declaration.scope else None
    made = Attribute(
        id=new_id(),
        name=name,
        **asdict(declaration),
        released_since=since,
        created_at=work.now,
        updated_at=work.now,
    )
    store.add(work.db, made)
    record(work, Event.USER_ATTRIBUTE_CREATED, name=name)
    return made


def update_attribute(work: UnitOfWork, name: str, declaration: Declaration) -> Attribute:
    """Replace the declaration of an attribute. Raises NoSuchAttribute or InvalidAttribute."""
    others = _lock_all(work, name)
    before = next((one for one in others if one.name == name), None)
    if before is None:
        raise NoSuchAttribute
    if declaration.type != before.type:
        raise InvalidAttribute("type", f"can't be changed from {before.type}. Declare another attribute.")
    changed = Declaration.of(before).differences(declaration)
    if not changed:
        return before
    _require_own_claim(declaration, others, name)
    since = before.released_since
    if {"scope", "claim"} & changed.keys():
        since = work.now if declaration.scope else None
    made = Attribute(
        id=before.id,
        name=name,
        **asdict(declaration),
        released_since=since,
        created_at=before.created_at,
        updated_at=work.now,
    )
    store.replace(work.db, made)
    record(work, Event.USER_ATTRIBUTE_UPDATED, name=name, **changed.as_details())
    return made


def put_attribute(work: UnitOfWork, name: str, declaration: Declaration) -> Attribute:
    """Declare an attribute, or replace its declaration. Raises InvalidAttribute.

    The order is that of `authorization_details.types.put_type`, for the same reason.
    """
    try:
        return update_attribute(work, name, declaration)
    except NoSuchAttribute:
        return create_attribute(work, name, declaration)


def delete_attribute(work: UnitOfWork, name: str) -> None:
    """Delete an attribute. Its values no longer count, and the worker deletes them. Raises NoSuchAttribute."""
    found = next((one for one in _lock_all(work, name) if one.name == name), None)
    if found is None:
        raise NoSuchAttribute
    store.remove(work.db, found.id, now=work.now)
    record(work, Event.USER_ATTRIBUTE_DELETED, name=name)


def _lock_all(work: UnitOfWork, name: str) -> list[Attribute]:
    """Return all declarations, locked against other changes."""
    lock_attribute(work, name)
    return store.find_all(work.db)


def _require_own_claim(declaration: Declaration, others: list[Attribute], name: str) -> None:
    taken = next(
        (one.name for one in others if one.claim and one.claim == declaration.claim and one.name != name), None
    )
    if taken is not None:
        raise InvalidAttribute("claim", f"{declaration.claim} is the claim of the attribute {taken}.")
