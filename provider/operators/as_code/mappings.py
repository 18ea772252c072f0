"""Claim mappings as code: compare those of a file with the declared ones.

Their clients and attributes may be new in the same file: `put_mapping` looks for them when a change is applied.
"""

from collections.abc import Iterable

from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import MEMBERS, Declaration, is_mapping_name, parse_declaration
from provider.oauth.tokens.claim_mappings import delete_mapping, put_mapping
from provider.operators.as_code.kinds import Kind, Table, plan_declaration
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    name = table.name
    if not is_mapping_name(name):
        raise NotApplied(f"{table.about}: this is not a name that a mapping can have.")
    wanted, row = parse_declaration(table.given), store.find(work.read, name)
    before = None if row is None else Declaration.of(row)
    return plan_declaration(table, before, wanted, lambda work: put_mapping(work, name, wanted))


MAPPINGS = Kind(
    name="claim_mappings",
    noun="claim mapping",
    members=MEMBERS,
    plan_one=_plan,
    find_names=lambda work: [one.name for one in store.find_all(work.read)],
    delete=delete_mapping,
    deletes_first=True,  # another mapping may have the claim
)
