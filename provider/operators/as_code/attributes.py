"""Attributes of users as code: compare those of a file with the declared ones."""

from collections.abc import Iterable, Mapping

from provider.accounts.attributes.declarations import MEMBERS, Declaration, is_attribute_name, parse_declaration
from provider.accounts.attributes.declared import delete_attribute, put_attribute
from provider.accounts.store import user_attributes as store
from provider.operators.as_code.kinds import Kind, Table, plan_declaration, read_schema
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    name, given = table.name, table.given
    if not is_attribute_name(name):
        raise NotApplied(f"{table.about}: this is not the name of an attribute.")
    if isinstance(given.get("rules"), Mapping):
        given["rules"] = read_schema(table, given["rules"])
    wanted, row = parse_declaration(name, given), store.find(work.read, name)
    before = None if row is None else Declaration.of(row)
    if before is not None and before.type != wanted.type:
        raise NotApplied(f"{table.about}: its type can't be changed from {before.type}. Declare another attribute.")
    return plan_declaration(table, before, wanted, lambda work: put_attribute(work, name, wanted))


ATTRIBUTES = Kind(
    name="user_attributes",
    noun="user attribute",
    members=MEMBERS,
    plan_one=_plan,
    find_names=lambda work: [one.name for one in store.find_all(work.read)],
    delete=delete_attribute,
    deletes_first=True,  # another attribute may have the claim
)
