"""Trusted issuers as code: compare those of a file with the ones of the installation."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import InvalidIssuer, IssuerSettings
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.work import UnitOfWork

ISSUERS = "trusted_issuers"
"""The table of a file with the issuers, by URL."""
KNOWN = {*issuers.MEMBERS, "disabled"}


def plan_issuers(work: UnitOfWork, tables: Mapping[str, dict[str, Any]], *, prune: bool) -> list[PlannedChange]:
    """Return the changes that bring trusted issuers in line with these tables. With `prune`, others are deleted if
    there are any tables. Raises NotApplied.
    """
    changes = [change for issuer, table in tables.items() for change in _plan(work, issuer, table)]
    gone = [row for row in store.find_all(work.read) if row.issuer not in tables] if prune and tables else []
    return [*changes, *(PlannedChange("delete", _about(row.issuer), do=_deleting(row.id)) for row in gone)]


def _plan(work: UnitOfWork, issuer: str, table: Mapping[str, Any]) -> Iterable[PlannedChange]:
    about, given = _about(issuer), dict(table)
    disabled = given.pop("disabled", False)
    before = store.find_by_issuer(work.read, issuer)
    try:
        settings = issuers.require_valid(work, issuer, issuers.parse_settings(given))
    except InvalidIssuer as refused:
        raise NotApplied(f"{about}: {refused}") from None
    if before is None:
        yield PlannedChange("create", about, IssuerSettings().differences(settings), _creating(issuer, settings))
    elif changed := IssuerSettings.of(before).differences(settings):
        yield PlannedChange("update", about, changed, _updating(before.id, settings))
    if disabled != (before is not None and before.disabled_at is not None):
        yield PlannedChange("update", about, {"disabled": (not disabled, disabled)}, _switching(issuer, off=disabled))


def _about(issuer: str) -> str:
    return f"trusted issuer {issuer}"


def _creating(issuer: str, settings: IssuerSettings) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        issuers.create(work, issuer, settings)

    return do


def _updating(issuer_id: str, settings: IssuerSettings) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        issuers.update(work, issuer_id, settings)

    return do


def _switching(issuer: str, *, off: bool) -> Callable[[UnitOfWork], None]:
    return lambda work: (issuers.disable if off else issuers.enable)(work, issuers.find_by_issuer(work, issuer).id)


def _deleting(issuer_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: issuers.delete(work, issuer_id)
