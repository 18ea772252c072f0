"""Upstream providers as code: compare those of a file with the ones of the installation."""

from collections.abc import Iterable
from typing import Any

from provider.changes import Changes, differences
from provider.crypto.vault import VaultError
from provider.federation import managed
from provider.federation.managed import MEMBERS, InvalidSettings
from provider.federation.presets import secret_name
from provider.operators.as_code.kinds import Kind, Table, plan_switch
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.saved_settings import upstreams as store
from provider.saved_settings.upstreams import SavedUpstream
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    key, about, given = table.name, table.about, table.given
    disabled, position = given.pop("disabled", False), given.pop("position", None)
    variable = given.pop("secret_env", None)
    before = store.find_by_key(work.read, key)
    name = secret_name(given.get("preset"))
    if before is None:
        secret = {name: table.read_secret(variable, member="secret_env")}
    else:
        try:
            secret = {name: managed.open_secret(work.vault, before)}
        except VaultError:
            raise NotApplied(f"{about}: its secret cannot be decrypted. Set it with signet upstream update.") from None
    try:
        _, members = managed.require_valid(work, key, {**given, **secret})
    except InvalidSettings as invalid:
        raise NotApplied(f"{about}: {invalid}.") from None
    if before is None:
        wanted = {**given, **secret}
        yield PlannedChange(
            "create",
            about,
            differences({}, members),
            lambda work: managed.create(work, key, wanted, position=position),
        )
    elif changed := _changes(before, members, position):
        upstream_id = before.id
        yield PlannedChange(
            "update", about, changed, lambda work: managed.update(work, upstream_id, given, position=position)
        )
    switch = managed.disable if disabled else managed.enable
    yield from plan_switch(
        table, before, lambda work: switch(work, managed.find_by_key(work, key).id), disabled=disabled
    )


def _changes(before: SavedUpstream, members: dict[str, Any], position: int | None) -> Changes:
    if position is None:
        return differences(before.settings, members)
    return differences({**before.settings, "position": before.position}, {**members, "position": position})


UPSTREAMS = Kind(
    name="upstreams",
    noun="upstream",
    members={*MEMBERS, "secret_env", "position", "disabled"},
    plan_one=_plan,
    find_names=lambda work: [row.key for row in store.find_all(work.read)],
    delete=lambda work, key: managed.delete(work, managed.find_by_key(work, key).id),
)
