"""The clock of the clients is that of the server."""

import pytest

from tests.support import client_keys, dpop
from tests.support.clock import Clock


class StoppedTime:
    """What `time` is to the clients."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock.now.timestamp()


@pytest.fixture(autouse=True)
def _time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (client_keys, dpop):
        monkeypatch.setattr(module, "time", StoppedTime(clock))
