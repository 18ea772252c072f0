"""Loading Signet into the process of an app's tests leaves nothing there."""

import os
from threading import Event, Thread

import pytest
from signet_testing.loading import PLUGINS, quickly

from tests.support.waiting import PATIENCE


def test_two_threads_that_load_at_once_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app may reach Signet, which then starts in a thread, while a test module is imported."""
    monkeypatch.delenv(PLUGINS, raising=False)
    both, leave = Event(), Event()

    def load() -> None:
        with quickly():
            leave.wait(PATIENCE)

    def load_too() -> None:
        with quickly():
            both.set()
            first.join(PATIENCE)

    first, second = Thread(target=load), Thread(target=load_too)
    first.start()
    second.start()
    both.wait(0.1)
    leave.set()
    first.join(PATIENCE)
    second.join(PATIENCE)
    assert PLUGINS not in os.environ
