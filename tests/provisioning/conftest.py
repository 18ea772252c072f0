"""The world of provisioning: an app with a SCIM service, and an installation that keeps it up to date."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from provider.config.settings import Settings
from provider.operators import provisioning as rules
from provider.outbox import relay
from provider.provisioning import connections
from provider.provisioning.store import resources
from provider.provisioning.store.connections import Provisioning
from provider.provisioning.store.resources import Counts, Provisioned
from provider.scim.outbound import jobs
from provider.work import Installation
from provider.worker.handlers import HANDLERS, POLICIES
from tests.support.clock import Clock
from tests.support.factories import make_client
from tests.support.foreign_server import ForeignServer
from tests.support.installation import Work, settings_for
from tests.support.scim_app import TOKEN, ScimApp


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@pytest.fixture
def scim_app(foreign_server: ForeignServer) -> ScimApp:
    return ScimApp(foreign_server)


@dataclass
class Provisioner:
    """A client whose app is kept up to date."""

    installation: Installation
    work: Work
    client_id: str
    clock: Clock

    def run(self, *, minutes: float = 0) -> None:
        """Let the worker do all that is due, some minutes later."""
        self.clock.advance(minutes=minutes)
        jobs.enqueue_due(self.installation)
        while due := [row_id for row_id, _ in relay.find_due(self.installation)]:
            for row_id in due:
                relay.deliver(self.installation, row_id, HANDLERS, POLICIES)

    @property
    def connection(self) -> Provisioning:
        with self.work() as w:
            return connections.find(w, self.client_id)

    @property
    def counts(self) -> Counts:
        with self.work() as w:
            return resources.count(w.read, self.client_id)

    def of(self, key: str, kind: str = "user") -> Provisioned | None:
        with self.work() as w:
            return resources.find(w.read, self.client_id, kind, key)


Provision = Callable[..., Provisioner]


@pytest.fixture
def provision(installation: Installation, work: Work, scim_app: ScimApp, clock: Clock) -> Provision:
    """`provision(push_groups=["staff"])`: a client with provisioning, to which nothing was sent yet. `metadata` is that
    of the client.
    """

    def make(metadata: dict[str, Any] | None = None, **settings: Any) -> Provisioner:
        with work() as w:
            client, _ = make_client(w, **(metadata or {}))
            given = {"base_url": scim_app.url, **settings}
            rules.put(w, client.client_id, given, token=TOKEN)
        return Provisioner(installation, work, client.client_id, clock)

    return make
