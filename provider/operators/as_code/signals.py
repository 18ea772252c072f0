"""Streams of shared signals as code: compare the streams of a file with those of the installation."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provider.operators import signals as rules
from provider.operators.as_code.planned_changes import NotApplied, PlannedChange
from provider.operators.signals import MEMBERS, StreamSettings
from provider.signals import streams
from provider.signals.configuration import InvalidStream
from provider.signals.store import streams as store
from provider.work import UnitOfWork

STREAMS = "signal_streams"
"""The table of a file with streams, by client_id."""
KNOWN = {*MEMBERS, "authorization_header_env"}


def plan_streams(
    work: UnitOfWork, tables: Mapping[str, dict[str, Any]], environ: Mapping[str, str], *, prune: bool
) -> list[PlannedChange]:
    """Return the changes that bring the streams in line with these tables. With `prune`, those of other clients are
    deleted if there are any tables. `environ` holds the Authorization headers. Raises NotApplied.
    """
    changes = [change for client_id, table in tables.items() for change in _plan(work, client_id, table, environ)]
    gone = [one for one in store.find_all(work.read) if one.client_id not in tables] if prune and tables else []
    return [*changes, *(PlannedChange("delete", _about(one.client_id), do=_deleting(one.client_id)) for one in gone)]


def _plan(
    work: UnitOfWork, client_id: str, table: Mapping[str, Any], environ: Mapping[str, str]
) -> Iterable[PlannedChange]:
    about, given = _about(client_id), dict(table)
    variable = given.pop("authorization_header_env", None)
    before = store.find_of_client(work.read, client_id)
    try:
        settings = rules.parse_settings(given)
    except InvalidStream as refused:
        raise NotApplied(f"{about}: {refused}") from None
    header = None
    if variable is not None and (before is None or before.endpoint_url != settings.endpoint_url):
        header = environ.get(str(variable), "")
        if not header:
            raise NotApplied(f"{about}: the environment variable {variable} (authorization_header_env) is not set.")
    if before is None:
        values = StreamSettings().differences(settings)
        yield PlannedChange("create", about, values, _putting(client_id, settings, header))
    elif changed := StreamSettings.of(before).differences(settings):
        yield PlannedChange("update", about, changed, _putting(client_id, settings, header))


def _about(client_id: str) -> str:
    return f"signal stream {client_id}"


def _putting(client_id: str, settings: StreamSettings, header: str | None) -> Callable[[UnitOfWork], None]:
    def do(work: UnitOfWork) -> None:
        rules.put(work, client_id, settings, header=header)

    return do


def _deleting(client_id: str) -> Callable[[UnitOfWork], None]:
    return lambda work: streams.delete(work, streams.find_of_client(work, client_id))
