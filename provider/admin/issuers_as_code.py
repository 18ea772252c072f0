"""Trusted issuers as code: the differences between the installation and the tables of a TOML file (`as_code`)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provider.oauth.trusted_issuers import issuers, store
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from provider.work import UnitOfWork

KNOWN = {*issuers.MEMBERS, "disabled"}
Difference = tuple[str, Mapping[str, tuple[Any, Any]], Callable[[UnitOfWork], None]]
"""One difference: `create`, `update` or `delete`, name to (current, wanted), and what applies it."""


def differences(work: UnitOfWork, issuer: str, table: Mapping[str, Any]) -> Iterable[Difference]:
    """Yield what an issuer differs in from its table. Raises InvalidIssuer."""
    given = dict(table)
    disabled = given.pop("disabled", False)
    before = store.find_by_issuer(work.read, issuer)
    settings = issuers.require_valid(work, issuer, issuers.parse_settings(given))
    if before is None:
        yield "create", IssuerSettings().differences(settings), lambda work: _create(work, issuer, settings)
    elif changed := IssuerSettings.of(before).differences(settings):
        issuer_id = before.id
        yield "update", changed, lambda work: _update(work, issuer_id, settings)
    if disabled != (before is not None and before.disabled_at is not None):
        yield "update", {"disabled": (not disabled, disabled)}, lambda work: _switch(work, issuer, off=disabled)


def others(work: UnitOfWork, named: Iterable[str]) -> Iterable[tuple[str, Difference]]:
    """Yield the issuers that the file does not name, each with its deletion."""
    for row in store.find_all(work.read):
        if row.issuer not in set(named):
            yield row.issuer, ("delete", {}, _deleting(row.id))


def _create(work: UnitOfWork, issuer: str, settings: IssuerSettings) -> None:
    issuers.create(work, issuer, settings)


def _update(work: UnitOfWork, issuer_id: str, settings: IssuerSettings) -> None:
    issuers.update(work, issuer_id, settings)


def _switch(work: UnitOfWork, issuer: str, *, off: bool) -> None:
    (issuers.disable if off else issuers.enable)(work, issuers.find_by_issuer(work, issuer).id)


def _deleting(issuer_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: issuers.delete(work, issuer_id)
