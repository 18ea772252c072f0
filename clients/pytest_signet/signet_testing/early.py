"""The Signet of an app that reads its configuration while it is imported.

Its address and its client are known before anything is imported. Signet itself starts once something connects to the
address, or a test uses a fixture: a run that needs none, and the controller of pytest-xdist, do not wait for it.
"""

import os
import secrets
import select
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from signet_testing.serving.loopback import ADDRESS, listen

if TYPE_CHECKING:
    from signet_testing.records import Client
    from signet_testing.signet import Signet

WITH_SECRET = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})
"""The values of `token_endpoint_auth_method` of clients with a secret."""


class Early:
    """A reserved address, and the Signet that starts there."""

    def __init__(self, port: int, settings: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """Reserve the port; 0 picks a free one. `metadata` is that of the client. Raises OSError."""
        self.settings = settings
        self._metadata = dict(metadata)
        method = self._metadata.get("token_endpoint_auth_method", "client_secret_basic")
        has_secret = not self._metadata.get("public") and method in WITH_SECRET
        self.client_id = str(self._metadata.pop("client_id", None) or f"app-{secrets.token_hex(8)}")
        given = self._metadata.pop("client_secret", None) or secrets.token_urlsafe(32)
        self.client_secret = str(given) if has_secret else ""
        self._socket = listen(ADDRESS, port)
        self.issuer = f"http://{ADDRESS}:{self._socket.getsockname()[1]}"
        self._lock = threading.Lock()
        self._started: tuple[Signet, Client] | None = None
        self._error: Exception | None = None
        self._woken, self._wake = os.pipe()
        self._waiting = threading.Thread(target=self._wait, name="signet before its start", daemon=True)
        self._waiting.start()

    def start(self) -> "tuple[Signet, Client]":
        """Return the Signet and the client of the app. Raises what Signet raises for the settings or the metadata."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._started is None:
                try:
                    self._started = self._start()
                except Exception as error:
                    self._error = error
                    self._socket.close()  # so that the app does not wait for an answer
                    raise
            return self._started

    def _start(self) -> "tuple[Signet, Client]":
        from signet_testing import Signet  # noqa: PLC0415  # loads Signet, which only some runs need

        signet = Signet(listening=self._socket, settings=self.settings)
        given = dict(self._metadata)
        uris = given.pop("redirect_uri", None)
        try:
            client = signet.client(
                *([uris] if isinstance(uris, str) else uris or []),
                client_id=self.client_id,
                client_secret=self.client_secret or None,
                **given,
            )
        except BaseException:
            signet.close()
            raise
        return signet, client

    def _wait(self) -> None:
        """Start when the first connection comes."""
        ready, _, _ = select.select([self._socket.fileno(), self._woken], [], [])
        if self._woken not in ready:
            try:
                self.start()
            except Exception as error:  # noqa: BLE001  # the tests that use Signet raise it
                print(f"Signet did not start: {error}", file=sys.stderr)

    def close(self) -> None:
        """Stop, and give the address back."""
        os.write(self._wake, b".")
        self._waiting.join(10)
        os.close(self._wake)
        os.close(self._woken)
        if self._started is not None:
            self._started[0].close()
        self._socket.close()
