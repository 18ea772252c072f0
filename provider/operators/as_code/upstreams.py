"""Upstream providers as code: compare those of a file with the ones of the installation."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provider.crypto.vault import VaultError
from provider.federation import managed
from provider.federation.managed import MEMBERS, InvalidSettings
from provider.federation.presets import secret_name
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.saved_settings import upstreams as store
from provider.saved_settings.upstreams import SavedUpstream
from provider.work import UnitOfWork

UPSTREAMS = "upstreams"
"""The table of a file with the upstreams, by key."""
KNOWN = {*MEMBERS, "secret_env", "position", "disabled"}


def plan_upstreams(
    work: UnitOfWork, tables: Mapping[str, dict[str, Any]], environ: Mapping[str, str], *, prune: bool
) -> list[PlannedChange]:
    """Return the changes that bring saved upstreams in line with these tables. With `prune`, others are deleted if
    there are any tables. `environ` holds the secrets of new ones. Raises NotApplied.
    """
    changes = [change for key, table in tables.items() for change in _plan(work, key, table, environ)]
    gone = [row for row in store.find_all(work.read) if row.key not in tables] if prune and tables else []
    return [*changes, *(PlannedChange("delete", _about(row.key), do=_deleting(row.id)) for row in gone)]


def _plan(work: UnitOfWork, key: str, table: Mapping[str, Any], environ: Mapping[str, str]) -> Iterable[PlannedChange]:
    about, given = _about(key), dict(table)
    disabled, position = given.pop("disabled", False), given.pop("position", None)
    variable = given.pop("secret_env", None)
    before = store.find_by_key(work.read, key)
    name = secret_name(given.get("preset"))
    if before is None:
        secret = {name: environ.get(str(variable), "")}
        if not secret[name]:
            raise NotApplied(f"{about}: the environment variable {variable} (secret_env) is not set.")
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
        values = {name: (None, value) for name, value in members.items()}
        yield PlannedChange("create", about, values, _creating(key, {**given, **secret}, position))
    elif changed := _differences(before, members, position):
        yield PlannedChange("update", about, changed, _updating(before.id, given, position))
    if disabled != (before is not None and before.disabled_at is not None):
        yield PlannedChange("update", about, {"disabled": (not disabled, disabled)}, _switching(key, off=disabled))


def _differences(before: SavedUpstream, members: dict[str, Any], position: int | None) -> dict[str, tuple[Any, Any]]:
    was, wanted = dict(before.settings), dict(members)
    if position is not None:
        was["position"], wanted["position"] = before.position, position
    names = sorted(was.keys() | wanted.keys())
    return {name: (was.get(name), wanted.get(name)) for name in names if was.get(name) != wanted.get(name)}


def _about(key: str) -> str:
    return f"upstream {key}"


def _creating(key: str, given: Mapping[str, Any], position: int | None) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        managed.create(work, key, given, position=position)

    return do


def _updating(upstream_id: str, given: Mapping[str, Any], position: int | None) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        managed.update(work, upstream_id, given, position=position)

    return do


def _switching(key: str, *, off: bool) -> Callable[[UnitOfWork], None]:
    return lambda work: (managed.disable if off else managed.enable)(work, managed.find_by_key(work, key).id)


def _deleting(upstream_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: managed.delete(work, upstream_id)
