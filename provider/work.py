"""The unit of work, shared within one request or job: a connection, a time, the settings, and one transaction.

`work.read` sees committed data and holds nothing. `work.db` is the one write transaction: it opens at first use and
ends with the unit of work. So a rule does its checks (and its slow work: hashing, signing) first and writes last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from authlib.oauth2 import OAuth2Error
from sqlalchemy import Connection

from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.database.engine import Database
from provider.database.replica import Replica
from provider.observability.metrics import DATABASE_WAIT
from provider.operator_names import OperatorName
from provider.outbound.client import Outbound
from provider.refusals import Refusal
from provider.saved_settings.branding import SavedBranding
from provider.saved_settings.upstreams import SavedUpstreams


class RateCounter(Protocol):
    """A counter of hits per key in a moving window; see `ratelimits`."""

    def hit(self, limit: str, key: str) -> int | None:
        """Count one. Returns None if there is room, else the seconds until there is."""

    def look(self, limit: str, key: str) -> int | None:
        """Return None if there is room, else the seconds until there is. Counts nothing."""


class NeedsNetwork(BaseException):
    """A signal that a rule must ask another server, and that this thread may not wait: the request starts again in one
    that may.

    This is not an Exception, so handlers of those do not catch it.
    """


def utc_now() -> datetime:
    return datetime.now(UTC)


def _wake_nothing(_row_id: str) -> None:
    """Do nothing: the relay's timer will find the job."""


Publish = Callable[["UnitOfWork", Sequence[Mapping[str, object]]], None]
"""A function for a transaction that is about to commit and its audit events: JSON objects with an `id` and a `name`.
"""


def _publish_nothing(_work: "UnitOfWork", _events: Sequence[Mapping[str, object]]) -> None:
    """Leave the events in the audit log only."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The resources that a process holds while it runs. Only tests change the clock."""

    settings: Settings
    database: Database
    vault: Vault
    counter: RateCounter
    outbound: Outbound
    clock: Callable[[], datetime] = utc_now
    wake: Callable[[str], None] = _wake_nothing
    """Called with the id of a job after its transaction has committed. Without it the relay finds the job later."""
    publish: Publish = _publish_nothing
    """Called once per transaction with audit events, before its commit (`webhooks.notify.publish`)."""
    replica: Replica | None = None
    """The replica for lists and searches."""
    branding: SavedBranding = field(default_factory=SavedBranding)
    """The branding that operators saved, as this process read it last."""
    upstreams: SavedUpstreams = field(default_factory=SavedUpstreams)
    """The upstream providers that operators saved, as this process read them last."""

    @property
    def effective_settings(self) -> Settings:
        """The settings of the environment, and the saved branding where the environment sets none."""
        return self.branding.applied_to(self.settings)


@dataclass(frozen=True)
class Origin:
    """The origin of a request.

    `network` is the peer's address, or the one reported by a trusted proxy. `language` is the tag of the language of
    its pages.
    """

    network: str = ""
    user_agent: str = ""
    request_id: str = ""
    language: str | None = None
    operator: OperatorName | None = None
    """The operator who acts on another account, for the audit log."""
    why: str = ""
    """The reason that the operator gives, for the audit log."""
    verify_uri: str | None = None
    """The page of the first-party app that asks, for links that verify an address. None: ours."""
    reset_uri: str | None = None
    """The page of the first-party app that asks, for links that reset a password. None: ours."""

    @property
    def is_operator(self) -> bool:
        """Whether an operator acts: through the console or the admin API, or at the command line, without a request."""
        return self.operator is not None or not (self.network or self.request_id)

    def of_operator(self, name: OperatorName, *, why: str = "") -> "Origin":
        """Return the origin for an operator's action on another account.

        It names the operator; emails about it name neither device nor place.
        """
        return replace(self, network="", user_agent="", language=None, operator=name, why=why)


SYSTEM = Origin(network="", user_agent="signet", request_id="")
"""The origin of what the command line and the worker do."""


class UnitOfWork:
    """The transaction and time of one request. Created by `unit_of_work`."""

    def __init__(
        self,
        installation: Installation,
        origin: Origin | Callable[[], Origin],
        *,
        may_wait: bool = True,
    ) -> None:
        self.installation = installation
        self.settings = installation.effective_settings
        self.vault = installation.vault
        self.now = installation.clock()
        self._origin = origin
        self.writing = False
        self.has_committed = False
        """Whether something may be committed already, although the unit of work has not ended."""
        self._may_wait = may_wait
        self.events: list[Mapping[str, object]] = []
        """The audit events of this transaction so far, for `Installation.publish`."""
        self.after_commit: list[Callable[[], None]] = []
        self._connection: Connection | None = None
        self._reads_replica = False

    @property
    def origin(self) -> Origin:
        """The origin of the request, found out at first use: most requests of programs need none of it."""
        if not isinstance(self._origin, Origin):
            self._origin = self._origin()
        return self._origin

    @origin.setter
    def origin(self, origin: Origin) -> None:
        self._origin = origin

    @property
    def read(self) -> Connection:
        """A connection that sees committed data, taken from the pool at first use."""
        if self._connection is None:
            with DATABASE_WAIT.timed("connection"):
                self._connection = self.installation.database.connect()
        return self._connection

    @property
    def db(self) -> Connection:
        """The connection of the write transaction, which begins at first use."""
        if not self.writing:
            self._begin()
            self.writing = True
        return self.read

    @property
    def autocommit(self) -> Connection:
        """A connection for a write of a single statement.

        Outside the write transaction, PostgreSQL commits the statement by itself (decision 2); SQLite opens the write
        transaction.
        """
        if self.writing or self.installation.database.is_sqlite:
            return self.db
        self.has_committed = True
        return self.read

    @contextmanager
    def reading_from(self, connection: Connection) -> Iterator[None]:
        """Within this, `read` is this connection to a replica (`replica_reads`). What writes is a bug and crashes."""
        own = self._connection
        self._connection, self._reads_replica = connection, True
        try:
            yield
        finally:
            self._connection, self._reads_replica = own, False

    @property
    def outbound(self) -> Outbound:
        """The client for other servers. Use it before the first ordinary write.

        Our own connection is given back meanwhile. Raises NeedsNetwork in a thread that may not wait.
        """
        assert not self.writing, "the network comes before the first ordinary write"  # noqa: S101  # a bug, not input
        if not self._may_wait:
            raise NeedsNetwork
        self._give_back()
        return self.installation.outbound

    @property
    def counter(self) -> RateCounter:
        """The counter of rate limits, which may be on another machine."""
        return self.installation.counter

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """Open a short transaction before the main one, for changes that must persist even if the rest crashes."""
        assert not self.writing, "aside() comes before the first ordinary write"  # noqa: S101  # a bug, not input
        self._begin()
        done = False
        try:
            yield self.read
            done = True
        finally:
            self.has_committed = self.has_committed or done
            self.installation.database.end(self.read, commit=done)

    def _begin(self) -> None:
        assert not self._reads_replica, "a replica is only read"  # noqa: S101  # a bug, not input
        connection = self.read
        with DATABASE_WAIT.timed("write"):
            self.installation.database.begin(connection)

    def finish(self, *, commit: bool) -> None:
        """End the transaction, if one began, and give the connection back."""
        try:
            if self.writing:
                self._end(commit=commit)
        finally:
            self._give_back()

    def _end(self, *, commit: bool) -> None:
        done = False
        try:
            if commit and self.events:
                self.installation.publish(self, self.events)
            done = commit
        finally:
            self.writing = False
            self.installation.database.end(self.read, commit=done)

    def _give_back(self) -> None:
        if self._connection is not None:
            self.installation.database.give_back(self._connection)
            self._connection = None


@contextmanager
def unit_of_work(
    installation: Installation,
    origin: Origin | Callable[[], Origin] = SYSTEM,
    *,
    may_wait: bool = True,
) -> Iterator[UnitOfWork]:
    """Open a unit of work with one transaction. `origin` may be a function, which is called when it is needed.

    A refusal keeps its writes; any other exception undoes them all. `may_wait`: this thread may wait for other servers.
    """
    work = UnitOfWork(installation, origin, may_wait=may_wait)
    try:
        yield work
    except (Refusal, OAuth2Error):
        work.finish(commit=True)
        _act(work)
        raise
    except BaseException:
        work.finish(commit=False)
        raise
    work.finish(commit=True)
    _act(work)


def _act(work: UnitOfWork) -> None:
    # After the connection went back to its pool: what follows may need one.
    for act in work.after_commit:
        act()
