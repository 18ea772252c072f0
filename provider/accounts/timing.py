"""Responses that take the same time whatever happened, so that their time reveals nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from provider.work import UnitOfWork

PACE = 0.025
"""The time of a response in seconds: several times what the work takes, so that differences do not show."""


@contextmanager
def constant_time_response(work: UnitOfWork) -> Iterator[None]:
    """Make the block and its commit take `PACE` seconds together.

    Slow work that takes the same time in every case stays outside.
    """
    over = time.monotonic() + PACE
    yield
    # After the commit, when neither a connection nor the write lock is held.
    work.after_commit.append(lambda: time.sleep(max(0.0, over - time.monotonic())))
