"""Types of authorization details as code: compare those of a file with the declared ones."""

from collections.abc import Iterable

from provider.oauth.authorization_details import store
from provider.oauth.authorization_details.types import MEMBERS, Declaration, delete_type, parse_declaration, put_type
from provider.oauth.clients.rules.details_types import is_type_name
from provider.operators.as_code.kinds import Kind, Table, plan_declaration, read_schema
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    name = table.name
    if not is_type_name(name):
        raise NotApplied(f"{table.about}: this is not the name of a type.")
    wanted, row = parse_declaration(read_schema(table, table.given)), store.find(work.read, name)
    before = None if row is None else Declaration.of(row)
    return plan_declaration(table, before, wanted, lambda work: put_type(work, name, wanted))


TYPES = Kind(
    name="authorization_details_types",
    noun="authorization details type",
    members=MEMBERS,
    plan_one=_plan,
    find_names=lambda work: [one.type for one in store.find_all(work.read)],
    delete=delete_type,
)
