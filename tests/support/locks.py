"""What begins while a transaction is not committed yet, and waits for its locks or does not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text

from provider.work import Installation, UnitOfWork, unit_of_work

Result = TypeVar("Result")
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def meanwhile(installation: Installation, change: Callable[[UnitOfWork], object], act: Callable[[], Result]) -> Result:
    """Return what `act` returns, which begins after `change` and before its commit. That comes when `act` waits for a
    lock, or is done without.
    """
    with ThreadPoolExecutor(1) as other:
        with unit_of_work(installation) as work, installation.database.engine.connect() as looking:
            change(work)
            acting = other.submit(act)
            while not acting.done() and not looking.scalar(_WAITING):
                looking.rollback()
        return acting.result()
