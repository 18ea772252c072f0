"""The stream that the log is written to. It never fails: no request depends on its log."""

from typing import TextIO


class LossyStream:
    """A stream that drops what it cannot write: a full disk, a reader that has ended, a stream that is closed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0
        """How many writes have failed since the last one that succeeded."""

    def write(self, text: str) -> None:
        """Write the text, and flush it."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: closed
            self.lost += 1
        else:
            self.lost = 0

    def flush(self) -> None:
        """Do nothing: `write` has done it."""
