"""Delivers what Signet sends: back-channel logout and webhooks for real, and emails into a list.

Logout requests are in a list too, so that an app without a port can get them from its test.
"""

import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

from provider.oauth.tokens.server import AuthorizationServer
from provider.outbox import relay
from provider.outbox.relay import Handler
from provider.outbox.topics import Topic
from provider.work import Installation
from signet_testing.changes import Sign
from signet_testing.faults import Faults
from signet_testing.logouts import send_logout
from signet_testing.records import Email, Logout

POLL = 0.002


class Outbox:
    """A thread that delivers each message once it is committed. It starts with the first one."""

    def __init__(self, faults: Faults) -> None:
        self.emails: list[Email] = []
        self._faults = faults
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pending = 0
        self._lock = threading.Lock()
        self._installation: Installation | None = None
        self._notify: Handler | None = None
        self.logouts: list[Logout] = []

    def open(self, installation: Installation, server: AuthorizationServer, sign: Sign) -> None:
        """Deliver the messages of this installation. Nothing is committed before."""
        self._installation = installation

        def notify(installation: Installation, _message_id: str, payload: dict[str, Any]) -> None:
            if not self._faults.loses_logout():
                sent = send_logout(installation, server, payload, self._faults.of_logout_tokens(), sign)
                self.logouts.extend([sent] if sent else [])

        self._notify = notify

    def forget(self) -> None:
        """Forget the emails and logout requests so far."""
        self.emails.clear()
        self.logouts.clear()

    def wake(self, row_id: str) -> None:
        """Deliver this row soon. Called by any thread after its commit."""
        with self._lock:
            self._pending += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="signet test outbox", daemon=True)
                self._thread.start()
        self._waiting.put(row_id)

    def settle(self, seconds: float) -> bool:
        """Wait until everything was tried once. Returns False if that took longer."""
        until = time.monotonic() + seconds
        while self._pending and time.monotonic() < until:
            time.sleep(POLL)
        return not self._pending

    def stop(self) -> None:
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        from provider.worker.handlers import POLICIES  # noqa: PLC0415  # a run that sends nothing does not need it

        handlers = self._handlers()
        while (row_id := self._waiting.get()) is not None:
            try:
                assert self._installation is not None  # noqa: S101  # it is open before anything is committed
                relay.deliver(self._installation, row_id, handlers, POLICIES)
            finally:
                with self._lock:
                    self._pending -= 1

    def _handlers(self) -> Mapping[str, Handler]:
        from provider.worker.handlers import HANDLERS  # noqa: PLC0415

        def keep(_installation: Installation, _message_id: str, payload: dict[str, Any]) -> None:
            self.emails.append(Email(**{name: payload[name] for name in ("to", "subject", "text", "html")}))

        assert self._notify is not None  # noqa: S101  # `open` set it
        return {**HANDLERS, Topic.MAIL: keep, Topic.LOGOUT: self._notify}
