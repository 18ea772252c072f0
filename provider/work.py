"""What one request or job shares: a connection, a moment, the settings, and one transaction.

`work.read` sees what is committed and holds nothing. `work.db` is the one write transaction: it opens at first use and
ends with the unit of work, so a rule does its checks (and its slow work: hashing, signing) first and writes last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from authlib.oauth2 import OAuth2Error
from sqlalchemy import Connection

from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.database.engine import Database
from provider.observability.metrics import DATABASE_WAIT
from provider.outbound.client import Outbound
from provider.refusals import Refusal


class RateCounter(Protocol):
    """Counts hits per key in a moving window; see `ratelimits`."""

    def hit(self, limit: str, key: str) -> int | None:
        """Count one. None when there is room, else the seconds until there is."""

    def look(self, limit: str, key: str) -> int | None:
        """The same, counting nothing."""


class NeedsNetwork(BaseException):
    """A rule has to ask somebody else's server, and this is no thread to wait in: begin anew in one that is.

    No failure, so that whoever handles those does not hold it up.
    """


def utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody_to_wake(_promise_id: str) -> None:
    """The relay's timer will find it."""


Publish = Callable[["UnitOfWork", Sequence[Mapping[str, object]]], None]
"""Takes a transaction that is about to commit and its audit events as JSON objects, each with an `id` and a `name`."""


def _publish_nothing(_work: "UnitOfWork", _events: Sequence[Mapping[str, object]]) -> None:
    """Leave the events in the audit log only."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What a process holds for as long as it runs. Tests change the clock; nobody else does."""

    settings: Settings
    database: Database
    vault: Vault
    counter: RateCounter
    outbound: Outbound
    clock: Callable[[], datetime] = utc_now
    wake: Callable[[str], None] = _nobody_to_wake
    """Called with the id of a promise after its transaction committed: a hint, the relay finds it anyway."""
    publish: Publish = _publish_nothing
    """Called once for each transaction with audit events, before its commit (`webhooks.notify.publish`)."""


@dataclass(frozen=True)
class Origin:
    """Where a request came from. `network` is the peer's address, or what a trusted proxy says it is; `language` the
    tag of the one its pages are in.
    """

    network: str = ""
    user_agent: str = ""
    request_id: str = ""
    language: str | None = None
    operator: str = ""
    """Who acts on somebody else's account, for the audit: `client ID` or `user ID`."""
    why: str = ""
    """What the operator gives as the reason, for the audit."""

    def of_operator(self, name: str, *, why: str = "") -> "Origin":
        """What an operator does to others: it says by whom, and letters name neither device nor place."""
        return replace(self, network="", user_agent="", language=None, operator=name, why=why)


SYSTEM = Origin(network="", user_agent="signet", request_id="")
"""The command line and the worker."""


class UnitOfWork:
    """One request's transaction and moment. Made by `unit_of_work`."""

    def __init__(self, installation: Installation, origin: Origin, *, may_wait: bool = True) -> None:
        self.installation = installation
        self.settings = installation.settings
        self.vault = installation.vault
        self.now = installation.clock()
        self.origin = origin
        self.writing = False
        self._may_wait = may_wait
        self.events: list[Mapping[str, object]] = []
        """The audit events of this transaction so far, for `Installation.publish`."""
        self.after_commit: list[Callable[[], None]] = []
        self._connection: Connection | None = None

    @property
    def read(self) -> Connection:
        """A connection that sees what is committed; taken from the pool at first use."""
        if self._connection is None:
            with DATABASE_WAIT.timed("connection"):
                self._connection = self.installation.database.engine.connect()
        return self._connection

    @property
    def db(self) -> Connection:
        """The write transaction; begins at first use."""
        if not self.writing:
            self._begin()
            self.writing = True
        return self.read

    @property
    def autocommit(self) -> Connection:
        """A connection for a write that is a single statement. Outside the write transaction, PostgreSQL commits it by
        itself, without a transaction around it (decision 2); SQLite opens the write transaction.
        """
        return self.db if self.writing or self.installation.database.is_sqlite else self.read

    @property
    def outbound(self) -> Outbound:
        """Whom to ask for somebody else's answer: before the first ordinary write, and with no connection of ours held
        meanwhile. Raises NeedsNetwork where nobody may wait.
        """
        assert not self.writing, "the network comes before the first ordinary write"  # noqa: S101  # a bug, not input
        if not self._may_wait:
            raise NeedsNetwork
        self._give_back()
        return self.installation.outbound

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A short transaction of its own, before the main one: what must count even if the rest crashes."""
        assert not self.writing, "aside() comes before the first ordinary write"  # noqa: S101  # a bug, not input
        self._begin()
        done = False
        try:
            yield self.read
            done = True
        finally:
            self.installation.database.end(self.read, commit=done)

    def _begin(self) -> None:
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
            self._connection.close()
            self._connection = None


@contextmanager
def unit_of_work(installation: Installation, origin: Origin = SYSTEM, *, may_wait: bool = True) -> Iterator[UnitOfWork]:
    """One transaction. A refusal keeps its traces; a crash leaves none. `may_wait` for other people's servers?"""
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
