"""Provisioning as code: compare the settings of a file with those of the installation.

Clients and groups may be new in the same file: `rules.put` looks for them when a change is applied.
"""

from collections.abc import Iterable

from provider.operators import provisioning as rules
from provider.operators.as_code.kinds import Kind, Table, plan_switch
from provider.operators.as_code.planned_changes import PlannedChange
from provider.provisioning import connections
from provider.provisioning.settings import MEMBERS, ProvisioningSettings, parse_settings, require_valid
from provider.provisioning.store import connections as store
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    client_id, given = table.name, table.given
    disabled, variable = given.pop("disabled", False), given.pop("token_env", None)
    before = store.find(work.read, client_id)
    settings = parse_settings(given)
    require_valid(work, settings)
    is_new_service = before is None or before.base_url != settings.base_url
    token = table.read_secret(variable, member="token_env") if is_new_service else None

    def put(work: UnitOfWork) -> None:
        rules.put(work, client_id, settings.as_json(), token=token)

    if before is None:
        yield PlannedChange("create", table.about, ProvisioningSettings().differences(settings), put)
    elif changed := ProvisioningSettings.of(before).differences(settings):
        yield PlannedChange("update", table.about, changed, put)
    switch = connections.disable if disabled else connections.enable
    yield from plan_switch(table, before, lambda work: switch(work, client_id), disabled=disabled)


PROVISIONING = Kind(
    name="provisioning",
    noun="provisioning",
    members={*MEMBERS, "token_env", "disabled"},
    plan_one=_plan,
    find_names=lambda work: [one.client_id for one in store.find_all(work.read)],
    delete=connections.delete,
)
