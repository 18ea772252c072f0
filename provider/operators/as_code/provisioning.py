"""Provisioning as code: compare the settings of a file with those of the installation."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provider.operators import provisioning as rules
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.provisioning import connections
from provider.provisioning.settings import (
    MEMBERS,
    InvalidProvisioning,
    ProvisioningSettings,
    parse_settings,
    require_valid,
)
from provider.provisioning.store import connections as store
from provider.work import UnitOfWork

PROVISIONING = "provisioning"
"""The table of a file with provisioning, by client_id."""
KNOWN = {*MEMBERS, "token_env", "disabled"}


def plan_provisioning(
    work: UnitOfWork, tables: Mapping[str, dict[str, Any]], environ: Mapping[str, str], *, prune: bool
) -> list[PlannedChange]:
    """Return the changes that bring provisioning in line with these tables. With `prune`, that of other clients is
    deleted if there are any tables. `environ` holds the tokens. Raises NotApplied.

    Clients and groups may be new in the same file: `rules.put` looks for them when it is applied.
    """
    changes = [change for client_id, table in tables.items() for change in _plan(work, client_id, table, environ)]
    gone = [one for one in store.find_all(work.read) if one.client_id not in tables] if prune and tables else []
    return [*changes, *(PlannedChange("delete", _about(one.client_id), do=_deleting(one.client_id)) for one in gone)]


def _plan(
    work: UnitOfWork, client_id: str, table: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterable[PlannedChange]:
    about, given = _about(client_id), dict(table)
    disabled, variable = given.pop("disabled", False), given.pop("token_env", None)
    before = store.find(work.read, client_id)
    try:
        settings = parse_settings(given)
        require_valid(work, settings)
    except InvalidProvisioning as refused:
        raise NotApplied(f"{about}: {refused}") from None
    is_new_service = before is None or before.base_url != settings.base_url
    token = environ.get(str(variable), "") if is_new_service else None
    if token is not None and not token:
        raise NotApplied(f"{about}: the environment variable {variable} (token_env) is not set.")
    if before is None:
        values = ProvisioningSettings().differences(settings)
        yield PlannedChange("create", about, values, _putting(client_id, settings, token))
    elif changed := ProvisioningSettings.of(before).differences(settings):
        yield PlannedChange("update", about, changed, _putting(client_id, settings, token))
    if disabled != (before is not None and before.disabled_at is not None):
        values = {"disabled": (not disabled, disabled)}
        yield PlannedChange("update", about, values, _switching(client_id, off=disabled))


def _about(client_id: str) -> str:
    return f"provisioning {client_id}"


def _putting(client_id: str, settings: ProvisioningSettings, token: str | None) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        rules.put(work, client_id, settings.as_json(), token=token)

    return do


def _switching(client_id: str, *, off: bool) -> Callable[[UnitOfWork], None]:
    return lambda work: (connections.disable if off else connections.enable)(work, client_id)


def _deleting(client_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: connections.delete(work, client_id)
