"""Claim mappings as code: compare those of a file with the declared ones."""

from collections.abc import Callable, Mapping
from typing import Any

from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import (
    MEMBERS,
    Declaration,
    InvalidMapping,
    declaration_of,
    differences,
    is_mapping_name,
    parse_declaration,
)
from provider.oauth.tokens.claim_mappings import delete_mapping, put_mapping
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork

MAPPINGS = "claim_mappings"
"""The table of a file with the mappings, by name."""
KNOWN = set(MEMBERS)


def plan_mappings(work: UnitOfWork, tables: Mapping[str, dict[str, Any]], *, prune: bool) -> list[PlannedChange]:
    """Return the changes that declare these mappings. With `prune`, others are deleted if there are any tables. Raises
    NotApplied.

    Their clients and attributes may be new in the same file: `put_mapping` looks for them when it is applied.
    """
    declared = {one.name: one for one in store.find_all(work.read)} if tables else {}
    changes = []
    for name, table in tables.items():
        wanted, before = _parse(name, table), declared.get(name)
        if before is None:
            values = {member: (None, value) for member in MEMBERS if (value := getattr(wanted, member))}
            changes.append(PlannedChange("create", _about(name), values, _putting(name, wanted)))
        elif changed := differences(declaration_of(before), wanted):
            changes.append(PlannedChange("update", _about(name), changed, _putting(name, wanted)))
    gone = [name for name in declared if name not in tables] if prune else []
    # First, so that another mapping can have the claim.
    return [*(PlannedChange("delete", _about(name), do=_deleting(name)) for name in gone), *changes]


def _about(name: str) -> str:
    return f"claim mapping {name}"


def _parse(name: str, table: Mapping[str, Any]) -> Declaration:
    if not is_mapping_name(name):
        raise NotApplied(f"{_about(name)}: this is not a name that a mapping can have.")
    try:
        return parse_declaration(table)
    except InvalidMapping as refused:
        raise NotApplied(f"{_about(name)}: {refused}") from None


def _putting(name: str, wanted: Declaration) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        put_mapping(work, name, wanted)

    return do


def _deleting(name: str) -> Callable[[UnitOfWork], None]:
    return lambda work: delete_mapping(work, name)
