"""Long polls (RFC 8936 section 2.2): a poll for which nothing waits is answered when something comes, or after SECONDS.

While it waits it has neither a thread nor a connection to the database. One query each PAUSE looks for all polls of a
process. Which process queued the signal does not matter.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from provider.database.engine import OUTAGES
from provider.database.outages import TransactionConflict
from provider.oauth.http.refused import as_json
from provider.observability.logging import log
from provider.refusals import Unavailable
from provider.signals.store import queue
from provider.web.call import Call
from provider.web.endpoint import Endpoint
from provider.web.json_responses import JsonResponse
from provider.web.threads import Pool, Threads
from provider.work import Installation, UnitOfWork, unit_of_work

SECONDS = 25.0
"""How long a poll waits: less than the 30 seconds after which some proxies give up."""
PAUSE = 0.5
MOST_WAITING, MOST_OF_STREAM = 200, 5
"""How many polls of one process, and of one stream, may wait. Further ones are answered immediately."""


class LaterResponse(JsonResponse):
    """The response that nothing waits, sent only if nothing comes. `again` returns a newer one, or None."""

    def __init__(
        self,
        content: object,
        stream_id: str,
        again: Callable[[UnitOfWork], Response | None],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(content, headers=headers)
        self.stream_id = stream_id
        self.again = again


class LongPoll(Endpoint):
    """The endpoint of a function that may return a `LaterResponse`. Each application has its own."""

    def __init__(self, function: Callable[[Call], Response]) -> None:
        super().__init__(function, csrf_checked=False, hashes_passwords=False, render=as_json)
        self._waiting: Counter[str] = Counter()
        self._ready: set[str] = set()
        self._looked_at = 0.0
        self._one = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["receive"] = receive  # after the body, it returns when the caller is gone
        await super().__call__(scope, receive, send)

    async def _run(self, threads: Threads, pool: Pool, call: Call) -> Response:
        response = await super()._run(threads, pool, call)
        if not isinstance(response, LaterResponse) or not self._has_room(response.stream_id):
            return response
        with self._counted(response.stream_id):
            gone: asyncio.Task[Any] = asyncio.ensure_future(call.scope["state"]["receive"]())
            try:
                return await self._wait(threads, call, response, gone)
            except Exception as error:  # noqa: BLE001  # as in `Endpoint.answer`: a bug becomes a 500 with an id
                log.exception("crash", path=call.path, method=call.method)
                return self.render(call, error)
            finally:
                gone.cancel()

    def _has_room(self, stream_id: str) -> bool:
        return self._waiting.total() < MOST_WAITING and self._waiting[stream_id] < MOST_OF_STREAM

    @contextmanager
    def _counted(self, stream_id: str) -> Iterator[None]:
        self._waiting[stream_id] += 1
        try:
            yield
        finally:
            self._waiting[stream_id] -= 1
            self._waiting += Counter()  # without those that are zero

    async def _wait(self, threads: Threads, call: Call, nothing: LaterResponse, gone: "asyncio.Task[Any]") -> Response:
        until, state = time.monotonic() + SECONDS, call.scope["app"].state
        while time.monotonic() < until and not state.stopping:
            await asyncio.wait({gone}, timeout=PAUSE)
            if gone.done():
                break
            if nothing.stream_id in await self._look(threads, call.installation):
                found: Response | None = await self._in_thread(threads, call.installation, nothing.again)
                if found is not None:
                    return found
        return nothing

    async def _look(self, threads: Threads, installation: Installation) -> set[str]:
        """Return the streams that have something now, those of all polls that wait."""
        async with self._one:
            if time.monotonic() - self._looked_at >= PAUSE:
                asked = set(self._waiting)
                found = await self._in_thread(threads, installation, lambda work: queue.find_pollable(work.read, asked))
                self._ready, self._looked_at = found or set(), time.monotonic()
            return self._ready

    async def _in_thread(self, threads: Threads, installation: Installation, do: Callable[[UnitOfWork], Any]) -> Any:
        """Return the result of a function with a unit of work, or None during an outage."""

        def run() -> Any:
            with unit_of_work(installation) as work:
                return do(work)

        try:
            return await threads.ordinary.run(run)
        except (*OUTAGES, TransactionConflict, Unavailable):
            return None
