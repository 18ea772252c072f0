"""Reading lists and searches: from a replica, if there is one, and planned for what is searched. Nothing else is read
from a replica, and no decision depends on it.
"""

from collections.abc import Callable
from typing import TypeVar

from provider.database.dialect import planned_for_values
from provider.database.engine import OUTAGES
from provider.database.replica import Replica, ReplicaUnusable
from provider.observability.logging import log
from provider.work import UnitOfWork

Found = TypeVar("Found")


def from_replica(work: UnitOfWork, find: Callable[[], Found]) -> Found:
    """Return what `find` returns. Meanwhile `work.read` is the replica, if it can be used, and PostgreSQL plans each
    statement for its values.

    What is found may be some seconds old (`replica.MOST_LAG`), so nothing may be decided by it, and `find` must only
    read. If the replica is away, too old or fails, `find` reads from the primary.
    """
    replica = work.installation.replica
    if replica is None or work.writing:
        return _planned(work, find)
    try:
        connection = replica.connect()
    except ReplicaUnusable as problem:
        _note(replica, problem)
        return _planned(work, find)
    try:
        with work.reading_from(connection):
            found = _planned(work, find)
    except OUTAGES as problem:
        replica.pause()
        _note(replica, problem)
        return _planned(work, find)
    finally:
        replica.give_back(connection)
    _note(replica, None)
    return found


def _planned(work: UnitOfWork, find: Callable[[], Found]) -> Found:
    with planned_for_values(work.read):
        return find()


def _note(replica: Replica, problem: Exception | None) -> None:
    if problem is not None and replica.is_used:
        log.warning("database.replica_unused", reason=str(problem))
    elif problem is None and not replica.is_used:
        log.info("database.replica_used")
    replica.is_used = problem is None
