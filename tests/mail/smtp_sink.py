"""A real SMTP server on loopback that keeps what it gets, or answers as told."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Sink:
    emails: list[EmailMessage] = field(default_factory=list)
    answer: str = ""
    """What RCPT TO is answered, when not accepted."""
    farewell: str = "221 Bye"
    """What QUIT is answered."""
    thinks_for: float = 0.0
    """How many seconds the reply to a message takes that it has already taken."""
    port: int = 0
    together: asyncio.Barrier | None = None
    """Holds each recipient until so many are waiting, in as many connections."""

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.together is not None:
            await self.together.wait()
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        email = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(email, EmailMessage)
        self.emails.append(email)
        await asyncio.sleep(self.thinks_for)
        return "250 kept"

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        return self.farewell


@contextmanager
def smtp_sink(sink: Sink | None = None, **options: Any) -> Iterator[Sink]:
    sink = sink or Sink()
    with socket.create_server(("127.0.0.1", 0)) as free:
        sink.port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, **options)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
