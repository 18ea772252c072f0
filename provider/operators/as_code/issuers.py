"""Trusted issuers as code: compare those of a file with the ones of the installation."""

from collections.abc import Iterable

from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import IssuerSettings, find_by_issuer
from provider.operators.as_code.kinds import Kind, Table, plan_switch
from provider.operators.as_code.planned_changes import PlannedChange
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    issuer, disabled = table.name, table.given.pop("disabled", False)
    settings = issuers.require_valid(work, issuer, issuers.parse_settings(table.given))
    before = store.find_by_issuer(work.read, issuer)
    if before is None:
        values = IssuerSettings().differences(settings)
        yield PlannedChange("create", table.about, values, lambda work: issuers.create(work, issuer, settings))
    elif changed := IssuerSettings.of(before).differences(settings):
        issuer_id = before.id
        yield PlannedChange("update", table.about, changed, lambda work: issuers.update(work, issuer_id, settings))
    switch = issuers.disable if disabled else issuers.enable
    yield from plan_switch(table, before, lambda work: switch(work, find_by_issuer(work, issuer).id), disabled=disabled)


ISSUERS = Kind(
    name="trusted_issuers",
    noun="trusted issuer",
    members={*issuers.MEMBERS, "disabled"},
    plan_one=_plan,
    find_names=lambda work: [row.issuer for row in store.find_all(work.read)],
    delete=lambda work, issuer: issuers.delete(work, find_by_issuer(work, issuer).id),
)
