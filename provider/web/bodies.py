"""Reading request bodies, whole and limited in size."""

from starlette.types import Message, Receive

from provider.refusals import Unavailable

MAX_BODY = 64 * 1024
"""The largest request body in bytes, except for endpoints that set another limit."""
MAX_UPLOADED = 64 * 1024 * 1024
"""The most bytes of larger bodies that a process reads in parallel for an endpoint. More are rejected, so that they
cannot fill its memory.
"""


class Bodies:
    """The reader of the request bodies of one endpoint."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._most = max(1, MAX_UPLOADED // limit)
        self._uploads = 0

    async def read(self, receive: Receive) -> bytes:
        """Read a body. Raises BodyTooLarge, CallerGone, or Unavailable if too many large ones arrive together."""
        if self._limit <= MAX_BODY:
            return await read_body(receive)
        if self._uploads >= self._most:
            raise Unavailable
        self._uploads += 1
        try:
            return await read_body(receive, limit=self._limit)
        finally:
            self._uploads -= 1


class BodyTooLarge(Exception):
    pass


class CallerGone(Exception):
    """A request that ended early. Half a form is not processed, because its last field may be cut off."""


async def read_body(receive: Receive, *, limit: int = MAX_BODY) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
