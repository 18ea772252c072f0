"""Changes that are undone alone: a refusal keeps what was written before it, and a SCIM request must not do half."""

from collections.abc import Iterator
from contextlib import contextmanager

from authlib.oauth2 import OAuth2Error

from provider.refusals import Refusal
from provider.work import UnitOfWork


@contextmanager
def all_or_nothing(work: UnitOfWork) -> Iterator[None]:
    """Undo what is written within this if it ends with a refusal: rows, audit events and what follows the commit."""
    events, after = len(work.events), len(work.after_commit)
    db = work.db
    db.exec_driver_sql("SAVEPOINT scim")
    try:
        yield
    except (Refusal, OAuth2Error):
        db.exec_driver_sql("ROLLBACK TO SAVEPOINT scim")
        del work.events[events:], work.after_commit[after:]
        raise
    finally:
        if work.writing:
            _release(work)


def _release(work: UnitOfWork) -> None:
    work.db.exec_driver_sql("RELEASE SAVEPOINT scim")
