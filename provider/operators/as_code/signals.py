"""Streams of shared signals as code: compare the streams of a file with those of the installation."""

from collections.abc import Iterable

from provider.operators import signals as rules
from provider.operators.as_code.kinds import Kind, Table
from provider.operators.as_code.planned_changes import PlannedChange
from provider.operators.signals import MEMBERS, StreamSettings
from provider.signals import streams
from provider.signals.store import streams as store
from provider.work import UnitOfWork


def _plan(work: UnitOfWork, table: Table) -> Iterable[PlannedChange]:
    variable = table.given.pop("authorization_header_env", None)
    before = store.find_of_client(work.read, table.name)
    settings = rules.parse_settings(table.given)
    header = None
    if variable is not None and (before is None or before.endpoint_url != settings.endpoint_url):
        header = table.read_secret(variable, member="authorization_header_env")

    def put(work: UnitOfWork) -> None:
        rules.put(work, table.name, settings, header=header)

    if before is None:
        yield PlannedChange("create", table.about, StreamSettings().differences(settings), put)
    elif changed := StreamSettings.of(before).differences(settings):
        yield PlannedChange("update", table.about, changed, put)


STREAMS = Kind(
    name="signal_streams",
    noun="signal stream",
    members={*MEMBERS, "authorization_header_env"},
    plan_one=_plan,
    find_names=lambda work: [one.client_id for one in store.find_all(work.read)],
    delete=lambda work, client_id: streams.delete(work, streams.find_of_client(work, client_id)),
)
