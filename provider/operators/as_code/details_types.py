"""Types of authorization details as code: compare those of a file with the declared ones."""

from collections.abc import Callable, Mapping
from typing import Any

from provider.jose.json_objects import read_object
from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.types import (
    MEMBERS,
    Declaration,
    InvalidType,
    declaration_of,
    delete_type,
    differences,
    parse_declaration,
    put_type,
)
from provider.oauth.clients.rules.details_types import is_type_name
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork

TYPES = "authorization_details_types"
"""The table of a file with the types, by name."""


def plan_types(work: UnitOfWork, tables: Mapping[str, dict[str, Any]], *, prune: bool) -> list[PlannedChange]:
    """Return the changes that declare these types. With `prune`, others are deleted if there are any tables. Raises
    NotApplied.
    """
    declared = {one.type: one for one in store.find_all(work.read)} if tables else {}
    changes = []
    for name, table in tables.items():
        about = f"authorization details type {name}"
        if not is_type_name(name):
            raise NotApplied(f"{about}: this is not the name of a type.")
        wanted, before = _parse(about, table), declared.get(name)
        if before is None:
            values = {member: (None, value) for member in MEMBERS if (value := getattr(wanted, member))}
            changes.append(PlannedChange("create", about, values, _putting(name, wanted)))
        elif changed := differences(declaration_of(before), wanted):
            changes.append(PlannedChange("update", about, changed, _putting(name, wanted)))
    gone = [name for name in declared if name not in tables] if prune else []
    return [
        *changes,
        *(PlannedChange("delete", f"authorization details type {name}", do=_deleting(name)) for name in gone),
    ]


def _parse(about: str, table: Mapping[str, Any]) -> Declaration:
    given = dict(table)
    if isinstance(given.get("json_schema"), str):
        try:
            given["json_schema"] = read_object(given["json_schema"])
        except ValueError as error:
            raise NotApplied(f"{about}: json_schema: {error}.") from None
    try:
        return parse_declaration(given)
    except InvalidType as refused:
        raise NotApplied(f"{about}: {refused}") from None


def _putting(name: str, wanted: Declaration) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        put_type(work, name, wanted)

    return do


def _deleting(name: str) -> Callable[[UnitOfWork], None]:
    return lambda work: delete_type(work, name)
