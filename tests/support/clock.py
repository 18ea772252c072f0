"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Starts at the present, in whole seconds: the libraries of relying apps look at the real time."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta | None = None, **parts: float) -> datetime:
        """`clock.advance(minutes=5)`, or by a timedelta; also back."""
        self.now += by if by is not None else timedelta(**parts)
        return self.now
