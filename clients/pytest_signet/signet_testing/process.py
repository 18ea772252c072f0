"""`signet test-server`: a test's Signet as a process, for tests in any language."""

import json
import signal
import sys
import threading
from collections.abc import Mapping

from signet_testing.control import control_app
from signet_testing.serving.middleware import CONTROL
from signet_testing.signet import Signet

WARNING = (
    "For tests only: the signing keys are public and there are no limits on attempts. It listens on loopback only."
)


def run(*, host: str, port: int, settings: Mapping[str, str], as_json: bool, watch_stdin: bool) -> None:
    """Serve until SIGTERM or SIGINT, or with `watch_stdin` until standard input is closed.

    `settings` are those of `Signet`. Raises NotLoopback, ValueError for settings that are not valid, and OSError for a
    port that is taken.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with Signet(host=host, port=port, settings=settings) as signet:
        signet.control(control_app(signet))
        control = f"{signet.issuer}{CONTROL}/"
        if as_json:
            print(
                json.dumps({"issuer": signet.issuer, "discovery_url": signet.discovery_url, "control": control}),
                flush=True,
            )
        else:
            print(f"Issuer:  {signet.issuer}\nControl: {control}\n{WARNING}", flush=True)
        if watch_stdin:
            threading.Thread(target=_wait_for_end, args=(stopping,), daemon=True).start()
        stopping.wait()


def _wait_for_end(stopping: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stopping.set()
