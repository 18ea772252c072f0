"""Attributes of users as code: compare those of a file with the declared ones."""

from collections.abc import Callable, Mapping
from typing import Any

from provider.accounts.attributes.declarations import (
    MEMBERS,
    Declaration,
    InvalidAttribute,
    declaration_of,
    differences,
    is_attribute_name,
    parse_declaration,
)
from provider.accounts.attributes.declared import delete_attribute, put_attribute
from provider.accounts.store import user_attributes
from provider.jose.json_objects import read_object
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork

ATTRIBUTES = "user_attributes"
"""The table of a file with the attributes, by name."""


def plan_attributes(work: UnitOfWork, tables: Mapping[str, dict[str, Any]], *, prune: bool) -> list[PlannedChange]:
    """Return the changes that declare these attributes. With `prune`, others are deleted if there are any tables.
    Raises NotApplied.
    """
    declared = {one.name: one for one in user_attributes.find_all(work.read)} if tables else {}
    changes = []
    for name, table in tables.items():
        about = f"user attribute {name}"
        if not is_attribute_name(name):
            raise NotApplied(f"{about}: this is not the name of an attribute.")
        wanted, before = _parse(about, name, table), declared.get(name)
        if before is None:
            values = {member: (None, value) for member in MEMBERS if (value := getattr(wanted, member))}
            changes.append(PlannedChange("create", about, values, _putting(name, wanted)))
        elif changed := differences(declaration_of(before), wanted):
            if "type" in changed:
                raise NotApplied(f"{about}: its type can't be changed from {before.type}. Declare another attribute.")
            changes.append(PlannedChange("update", about, changed, _putting(name, wanted)))
    gone = [name for name in declared if name not in tables] if prune else []
    return [*(PlannedChange("delete", f"user attribute {name}", do=_deleting(name)) for name in gone), *changes]


def _parse(about: str, name: str, table: Mapping[str, Any]) -> Declaration:
    given = dict(table)
    rules = given.get("rules")
    if isinstance(rules, Mapping) and isinstance(rules.get("json_schema"), str):
        try:
            given["rules"] = {**rules, "json_schema": read_object(rules["json_schema"])}
        except ValueError as error:
            raise NotApplied(f"{about}: json_schema: {error}.") from None
    try:
        return parse_declaration(name, given)
    except InvalidAttribute as refused:
        raise NotApplied(f"{about}: {refused}") from None


def _putting(name: str, wanted: Declaration) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        put_attribute(work, name, wanted)

    return do


def _deleting(name: str) -> Callable[[UnitOfWork], None]:
    return lambda work: delete_attribute(work, name)
