"""Answers that must not tell by their time what happened: every one takes as long as the slowest usual one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from provider.work import UnitOfWork

PACE = 0.025
"""Seconds. Several times what the work inside takes, so that nothing of it shows."""


@contextmanager
def constant_time_response(work: UnitOfWork) -> Iterator[None]:
    """What happens inside, and its commit, take `PACE` together. Slow work that is alike anyway stays outside."""
    over = time.monotonic() + PACE
    yield
    # After the commit, when neither a connection nor the write lock is held.
    work.after_commit.append(lambda: time.sleep(max(0.0, over - time.monotonic())))
