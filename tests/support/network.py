"""A network between Signet and a server that loses bytes or is slow, and that counts round trips."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.support.waiting import PATIENCE

Address = str | Path | tuple[str, int]
"""The path of a Unix socket, or a host and a port."""


@dataclass
class _Turns:
    """Counts how often the near side speaks after the far side has spoken: its round trips on one connection."""

    note: Callable[[], None]
    is_asking: bool = field(default=False)

    def ask(self) -> None:
        if not self.is_asking:
            self.note()
        self.is_asking = True

    def answer(self) -> None:
        self.is_asking = False


class Network:
    """A way to a server, on a TCP port of its own.

    `delay`: seconds that bytes take in each direction; half of the round-trip time.
    """

    def __init__(self, target: Address, *, delay: float = 0.0) -> None:
        self.target = target
        self.delay = delay
        self.drops = threading.Event()
        """While it is set, whatever is sent is lost."""
        self.round_trips = 0
        """Of all connections since the start, those of connecting included."""
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Future[Any]] = set()
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name="network", daemon=True)
        self._thread.start()
        started.result(PATIENCE)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @staticmethod
    def before(database_url: str, *, delay: float = 0.0) -> "Network":
        """Return a network before the PostgreSQL of this URL, which listens on a socket in a folder."""
        folder = make_url(database_url).query["host"]
        return Network(f"{folder}/.s.PGSQL.5432", delay=delay)

    def url_of(self, database_url: str) -> str:
        """Return the URL of the same database behind this network."""
        url = make_url(database_url).set(host="127.0.0.1", port=self.port)
        there = url.set(query={"sslmode": "disable", "gssencmode": "disable"})
        return there.render_as_string(hide_password=False)

    def restore(self) -> None:
        """Stop losing bytes. Connections that may have lost some end."""
        self._call(self._end_connections())
        self.drops.clear()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._call(self._end_connections())
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join(PATIENCE)

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _run(self, started: "Future[None]") -> None:
        self._loop, self._closed = asyncio.get_running_loop(), asyncio.Event()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        started.set_result(None)
        await self._closed.wait()

    async def _end_connections(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._carrying)

    async def _accept(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.target, tuple):
                far_in, far_out = await asyncio.open_connection(*self.target)
            else:
                far_in, far_out = await asyncio.open_unix_connection(self.target)
        except OSError:
            near_out.transport.abort()
            return
        both, ended = {near_out, far_out}, self._loop.create_future()
        self._open |= both
        self._carrying.add(ended)
        turns = _Turns(self._count)
        try:
            await asyncio.gather(self._carry(near_in, far_out, turns.ask), self._carry(far_in, near_out, turns.answer))
        finally:
            self._open -= both
            for writer in both:
                writer.close()
            self._carrying.discard(ended)
            ended.set_result(None)

    def _count(self) -> None:
        self.round_trips += 1

    async def _carry(
        self, source: asyncio.StreamReader, destination: asyncio.StreamWriter, note: Callable[[], None]
    ) -> None:
        data = b"begin"
        while data:
            try:
                data = await source.read(1 << 16)
            except OSError:
                data = b""
            if data:
                note()
            if not self.drops.is_set():
                deliver = self._deliver if data else self._end
                if self.delay:
                    self._loop.call_later(self.delay, deliver, destination, data)
                else:
                    deliver(destination, data)

    @staticmethod
    def _deliver(destination: asyncio.StreamWriter, data: bytes) -> None:
        if not destination.is_closing():
            destination.write(data)

    @staticmethod
    def _end(destination: asyncio.StreamWriter, _data: bytes) -> None:
        destination.close()
