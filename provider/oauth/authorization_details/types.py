"""The types of authorization details: declare, change and delete them (RFC 9396 section 5).

A type says which details apps can ask for (a JSON Schema), how the consent page describes them, and which APIs get
them. Tokens that exist when a type is changed or deleted keep their details until they expire. Later tokens get only
details that conform to the type as it is then (decision 287).
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.declarations import Declared, InvalidDeclaration
from provider.jose.json_schemas import InvalidSchema
from provider.languages.own_text import InvalidOwnText, clean_texts
from provider.languages.text import Text
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.schemas import check_schema
from provider.oauth.authorization_details.store import DetailsType
from provider.oauth.clients.resources import problem_with_identifier
from provider.oauth.clients.rules.details_types import LONGEST_TYPE, is_type_name
from provider.refusals import NotFound, Refusal
from provider.work import UnitOfWork

LONGEST_LABEL, LONGEST_DESCRIPTION = 100, 300
MOST_FIELDS = 50
MOST_RESOURCES = 20
PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.$-]{1,100})\}")
"""A member in a description, by its path: `{instructedAmount.amount}`."""
_PATH = re.compile(r"[^\s#]{1,100}")


class NoSuchType(NotFound):
    code = "no-such-authorization-details-type"
    title = Text("Type not found")
    message = Text("This type of authorization details does not exist.")


class TypeExists(Refusal):
    code = "authorization-details-type-exists"
    status_code = 409
    title = Text("Type exists")
    message = Text("There is a type with this name already.")


class InvalidType(InvalidDeclaration):
    """An invalid declaration. `member` is the member that is wrong."""

    code = "invalid-authorization-details-type"


@dataclass(frozen=True, kw_only=True)
class Declaration(Declared):
    """The declaration of a type. Texts are objects of language tag to text."""

    json_schema: dict[str, Any]
    """The JSON Schema of one object of authorization details."""
    label: dict[str, str]
    """What the details are, as a heading on the consent page."""
    description: dict[str, str] = field(default_factory=dict)
    """A sentence on the consent page, with members in braces: `Pay {amount} to {creditorName}`."""
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    """The labels of members by their path, such as `instructedAmount.amount`."""
    resources: list[str] = field(default_factory=list)
    """The APIs whose tokens get these details, by resource identifier. None: all."""
    ask_each_time: bool = False
    """Whether users are asked again if they allowed the very same details before."""


MEMBERS = tuple(Declaration.__dataclass_fields__)


def parse_declaration(given: Mapping[str, Any]) -> Declaration:
    """Parse a declaration. A plain string as a text is English. Raises InvalidType."""
    unknown = sorted(given.keys() - set(MEMBERS))
    if unknown:
        raise InvalidType(unknown[0][:60], f"is unknown. Known: {', '.join(MEMBERS)}.")
    label = _texts("label", given.get("label", {}), most=LONGEST_LABEL)
    if not label:
        raise InvalidType("label", "is missing. Users read it on the consent page.")
    fields = given.get("fields") or {}
    if not isinstance(fields, Mapping) or len(fields) > MOST_FIELDS:
        raise InvalidType("fields", f"must be an object of at most {MOST_FIELDS} paths and labels.")
    for path in fields:
        if _PATH.fullmatch(path) is None:
            raise InvalidType("fields", f"{path[:60]!r} is not the path of a member, such as amount.currency.")
    ask_each_time = given.get("ask_each_time", False)
    if not isinstance(ask_each_time, bool):
        raise InvalidType("ask_each_time", "must be true or false.")
    return Declaration(
        json_schema=_schema(given.get("json_schema")),
        label=label,
        description=_texts("description", given.get("description") or {}, most=LONGEST_DESCRIPTION),
        fields={path: _texts("fields", text, most=LONGEST_LABEL) for path, text in fields.items()},
        resources=_resources(given.get("resources") or []),
        ask_each_time=ask_each_time,
    )


def find_type(work: UnitOfWork, name: str) -> DetailsType:
    """Return a type by its name. Raises NoSuchType."""
    found = store.find(work.read, name) if is_type_name(name) else None
    if found is None:
        raise NoSuchType
    return found


def lock_type(work: UnitOfWork, name: str) -> None:
    """Keep other changes of a type waiting until the transaction ends. Raises NoSuchType if it can't be one."""
    if not is_type_name(name):
        raise NoSuchType
    store.lock(work.db, name)


def create_type(work: UnitOfWork, name: str, declaration: Declaration) -> DetailsType:
    """Declare a new type. Raises InvalidType or TypeExists."""
    if not is_type_name(name):
        raise InvalidType("type", f"must be 1 to {LONGEST_TYPE} visible ASCII characters without spaces and quotes.")
    store.lock(work.db, name)
    if store.find(work.db, name) is not None:
        raise TypeExists
    made = DetailsType(type=name, **asdict(declaration), created_at=work.now, updated_at=work.now)
    store.add(work.db, made)
    record(work, Event.DETAILS_TYPE_CREATED, type=name)
    return made


def update_type(work: UnitOfWork, name: str, declaration: Declaration) -> DetailsType:
    """Replace the declaration of a type. Raises NoSuchType."""
    lock_type(work, name)
    before = store.find(work.db, name)
    if before is None:
        raise NoSuchType
    changed = Declaration.of(before).differences(declaration)
    if not changed:
        return before
    made = DetailsType(type=name, **asdict(declaration), created_at=before.created_at, updated_at=work.now)
    store.replace(work.db, made)
    record(work, Event.DETAILS_TYPE_UPDATED, type=name, **changed.as_details())
    return made


def put_type(work: UnitOfWork, name: str, declaration: Declaration) -> DetailsType:
    """Declare a type, or replace its declaration. Raises InvalidType.

    The lock of `update_type` lasts until the transaction ends. So if there is no such type, no other request creates it
    before `create_type` does. A look without the lock could be wrong by then.
    """
    try:
        return update_type(work, name, declaration)
    except NoSuchType:
        return create_type(work, name, declaration)


def delete_type(work: UnitOfWork, name: str) -> None:
    """Delete a type. Apps can't ask for it any more, and new tokens don't have it. Raises NoSuchType."""
    if not is_type_name(name) or not store.remove(work.db, name):
        raise NoSuchType
    record(work, Event.DETAILS_TYPE_DELETED, type=name)


def _schema(given: object) -> dict[str, Any]:
    try:
        return check_schema(given)
    except InvalidSchema as invalid:
        raise InvalidType("json_schema", f"{invalid}.") from None


def _texts(member: str, given: object, *, most: int) -> dict[str, str]:
    try:
        return clean_texts(given, most=most)
    except InvalidOwnText as invalid:
        raise InvalidType(member, invalid) from None


def _resources(given: object) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(uri, str) for uri in given) or len(given) > MOST_RESOURCES:
        raise InvalidType("resources", f"must be a list of at most {MOST_RESOURCES} identifiers of APIs.")
    for uri in given:
        problem = problem_with_identifier(uri)
        if problem is not None:
            raise InvalidType("resources", f"{uri[:200]!r} {problem}.")
    return list(dict.fromkeys(given))
