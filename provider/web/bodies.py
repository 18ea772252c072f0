"""Request bodies: read whole, and bounded."""

from starlette.types import Message, Receive

from provider.refusals import Unavailable

MAX_BODY = 64 * 1024
"""No form or token request of ours is larger, but for those that say so."""
MAX_UPLOADS = 16
"""Larger bodies a process reads at a time; more are turned away, so that they cannot fill its memory."""


class Bodies:
    """Reads the bodies of one endpoint."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._uploads = 0

    async def read(self, receive: Receive) -> bytes:
        """Raises BodyTooLarge, CallerGone, or, when there are too many large ones at once, Unavailable."""
        if self._limit <= MAX_BODY:
            return await read_body(receive)
        if self._uploads >= MAX_UPLOADS:
            raise Unavailable
        self._uploads += 1
        try:
            return await read_body(receive, limit=self._limit)
        finally:
            self._uploads -= 1


class BodyTooLarge(Exception):
    pass


class CallerGone(Exception):
    """The request broke off: half a form is not carried out, its last field may be cut in two."""


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
