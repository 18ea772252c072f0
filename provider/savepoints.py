"""Changes that are undone alone: a refusal keeps what was written before it, but a SCIM request or a row of an import
must not do half.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from provider.refusals import Refusal
from provider.work import UnitOfWork


@contextmanager
def all_or_nothing(work: UnitOfWork) -> Iterator[None]:
    """Undo what is written within this if it ends with a refusal: rows, audit events and what follows the commit. Any
    other exception ends the whole transaction.
    """
    events, after = len(work.events), len(work.after_commit)
    db = work.db
    db.exec_driver_sql("SAVEPOINT part")
    try:
        yield
    except Refusal:
        db.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
        db.exec_driver_sql("RELEASE SAVEPOINT part")
        del work.events[events:], work.after_commit[after:]
        raise
    db.exec_driver_sql("RELEASE SAVEPOINT part")
