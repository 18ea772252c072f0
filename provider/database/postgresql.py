"""Connections to PostgreSQL with deadlines on our side: a server or network that is silent enforces none itself (F-3).

A connection may lead through a pooler that gives each transaction another server connection (PgBouncer). It is
recognized by the startup options that do not arrive. Then nothing depends on the session: statements are not prepared,
and each transaction sets its own timeouts.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import tuple_row
from psycopg.types.string import TextLoader

from provider.runtime import greenlets

Result = TypeVar("Result")

LATER = 0.25
"""How many seconds our deadline is after the server's own, so that a server that works is the one to say no."""
DEFAULT_PORT = "5432"
STATEMENTS = 256
"""How many prepared statements a connection keeps: those of `database.prepared` and those that psycopg prepares because
they were run five times. With its default of 100, those of rare pages would push out those of sign-ins, and each would
cost two more round trips when it comes back.
"""
MARK = "signet.direct"
"""A parameter of our own among the startup options. It is missing in a session behind a pooler that drops them."""


class ServerSilent(psycopg.OperationalError):
    """The server did not answer within the time. The connection is closed."""


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer only until a deadline."""

    patience: float | None = None
    """Seconds to wait for each answer; None: no limit."""
    on_silence: Callable[[], object] = staticmethod(lambda: None)
    begin = "BEGIN"
    """The statement that begins a transaction."""

    def __init__(self, pgconn: PGconn, row_factory: Any = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._cursors: dict[str, Cursor[Any]] = {}

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, as sqlite3 names it."""
        return self.pgconn.transaction_status != TransactionStatus.IDLE

    def repeat(self, query: str, parameters: Mapping[str, Any]) -> Cursor[Any]:
        """Run a statement of a hot path, prepared, with its own cursor, which keeps what it knows of the types.

        The cursor is valid until the same statement runs again.
        """
        cursor = self._cursors.get(query)
        if cursor is None:
            cursor = self._cursors[query] = self.cursor()
        return cursor.execute(query, parameters, prepare=True)

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        limit = self.patience if timeout is None else timeout
        try:
            if limit is not None and greenlets.is_running():
                return self._wait_in_loop(gen, limit)
            return super().wait(gen, interval=interval, timeout=limit)
        except (psycopg.errors._WaitTimeout, TimeoutError):  # noqa: SLF001  # named by the documentation of `wait`
            self.pgconn.finish()
            self.on_silence()
            raise ServerSilent("the server did not answer in time") from None

    def _wait_in_loop(self, gen: PQGen[Result], timeout: float) -> Result:
        """Do what `psycopg.waiting.wait` does, and let the event loop run others. Raises TimeoutError."""
        socket = self.pgconn.socket
        try:
            wants = next(gen)
            while True:
                ready = greenlets.wait_for_socket(socket, wants, timeout)
                if not ready:
                    raise TimeoutError
                wants = gen.send(ready)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]


class Connector:
    """Connects to one database, within `timeout` seconds and a moment. `on_silence` is called when it is silent.

    Of several servers, it begins with the one that it reached last: one that is cut off takes the whole time.
    """

    def __init__(self, timeout: float, *, on_silence: Callable[[], object]) -> None:
        self._on_silence = on_silence
        milliseconds = int(timeout * 1000)
        self._patience = timeout + LATER
        self._limits = {"statement_timeout": milliseconds, "lock_timeout": milliseconds}
        self._pooler_refuses_options = False
        self._reached: tuple[str, str] | None = None
        """The host and the port of the last connection."""

    def connect(self, *conninfo: str, **parameters: Any) -> Connection:
        """Connect, in a thread of its own: a name server can be silent too, and nothing interrupts waiting for it.

        Raises psycopg.Error; ServerSilent if it takes too long. A connection that comes too late is closed.
        """
        outcome: Future[Connection] = Future()

        def run() -> None:
            try:
                outcome.set_result(self.connect_patiently(*conninfo, **parameters))
            except BaseException as error:  # noqa: BLE001  # it is raised in the thread that waits
                outcome.set_exception(error)

        threading.Thread(target=run, name="connecting", daemon=True).start()
        try:
            return outcome.result(self._patience)
        except psycopg.errors.ConnectionTimeout:
            self._on_silence()
            raise
        except TimeoutError:
            self._on_silence()
            outcome.add_done_callback(_close)
            raise ServerSilent("the server did not answer in time") from None

    def connect_patiently(self, *conninfo: str, **parameters: Any) -> Connection:
        """Connect in this thread. With several hosts, each may take the whole time."""
        parameters = parameters | self._in_order(parameters)
        if not self._pooler_refuses_options:
            limits = "".join(f" -c {name}={value}" for name, value in self._limits.items())
            options = f"-c {MARK}=on{limits} -c timezone=UTC"
            given = " ".join(filter(None, (parameters.get("options"), options)))
            try:
                return self._prepared(Connection.connect(*conninfo, **{**parameters, "options": given}))
            except psycopg.OperationalError as error:
                if "unsupported startup parameter" not in str(error):
                    raise
                self._pooler_refuses_options = True
        return self._prepared(Connection.connect(*conninfo, **parameters))

    def _in_order(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """Return the hosts and ports with the last one reached first; nothing if there is only one."""
        hosts, ports = (str(parameters.get(name) or "").split(",") for name in ("host", "port"))
        if len(hosts) == 1:
            return {}
        servers = list(zip(hosts, ports * len(hosts) if len(ports) == 1 else ports, strict=True))
        servers.sort(key=lambda server: (server[0], server[1] or DEFAULT_PORT) != self._reached)
        return {"host": ",".join(host for host, _ in servers), "port": ",".join(port for _, port in servers)}

    def _prepared(self, connection: Connection) -> Connection:
        connection.patience, connection.on_silence = self._patience, self._on_silence
        connection.autocommit = True
        connection.prepared_max = STATEMENTS
        self._reached = connection.info.host, str(connection.info.port)
        connection.adapters.register_loader("uuid", TextLoader)  # we use identifiers as text
        (mark,) = connection.execute("SELECT current_setting(%s, true)", (MARK,)).fetchone() or (None,)
        if mark is None:
            connection.prepare_threshold = None
            local = "".join(f"; SET LOCAL {name} = {value}" for name, value in self._limits.items())
            connection.begin = f"BEGIN{local}"
        return connection


def _close(outcome: "Future[Connection]") -> None:
    if outcome.exception() is None:
        outcome.result().close()
