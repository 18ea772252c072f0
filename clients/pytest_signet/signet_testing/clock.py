"""The clock of a test's Signet: the time of this machine and a difference that tests move."""

from datetime import UTC, datetime, timedelta


class MovableClock:
    """A clock that runs on from wherever a test moved it.

    Apps keep the real time. Moving it forward makes what was issued before expire here; it also shows how an app takes
    a provider whose clock differs from its own.
    """

    def __init__(self) -> None:
        self.difference = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.difference

    @property
    def now(self) -> datetime:
        """The time at Signet."""
        return self()

    def move(self, by: timedelta | None = None, **parts: float) -> datetime:
        """Move by a timedelta, or by its parts (`minutes=5`), also back. Returns the new time."""
        self.difference += timedelta(**parts) if by is None else by
        return self()

    def reset(self) -> None:
        """Return to the time of this machine."""
        self.difference = timedelta(0)
