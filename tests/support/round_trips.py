"""Counting the round trips of an operation through a `Network`."""

import time
from dataclasses import dataclass

from tests.support.network import Network
from tests.support.operations import Operation


@dataclass(frozen=True)
class Measured:
    """An operation: its round trips to the database, and how long it took, in seconds."""

    round_trips: int
    seconds: float


def measure(network: Network, operation: Operation, *, times: int) -> Measured:
    """Return the fewest round trips and the shortest time of a few calls: the first ones fill caches and connect."""
    round_trips, seconds = [], []
    for _ in range(times):
        before, since = network.round_trips, time.perf_counter()
        operation()
        seconds.append(time.perf_counter() - since)
        round_trips.append(network.round_trips - before)
    return Measured(min(round_trips), min(seconds))
