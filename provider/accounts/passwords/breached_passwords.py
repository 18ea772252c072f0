"""Passwords known from breaches of other services, looked up in a file of hashes that an operator provides.

The format is that of Have I Been Pwned, ordered by hash: one SHA-1 in hex per line, with or without `:COUNT`. The file
may be far larger than memory. A look-up reads some dozens of lines, as many for one password as for another, and keeps
nothing. The file is opened again each time, so a newer file moved to its place is used immediately.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.crypto.passwords import normal_form
from provider.observability.logging import log
from provider.refusals import Unavailable

LINE = re.compile(rb"([0-9A-F]{40})(:[0-9]{1,19})?\r?", re.IGNORECASE)
NTLM = re.compile(rb"[0-9A-F]{32}(:[0-9]{1,19})?\r?", re.IGNORECASE)
TWO_LINES = 128
"""The number of bytes read at a time: enough for the rest of one line and the whole of the next."""
SAMPLES = 64
"""The number of lines checked at start-up: enough to notice a wrong order without keeping a slow disk busy."""


class InvalidFile(Exception):
    """An invalid list of hashes. The message says what is wrong, for the operator."""


def is_breached(settings: Settings, password: str) -> bool:
    """Return whether the password is in the operator's list; False without a list.

    Raises Unavailable when the list cannot be read.
    """
    if settings.breached_passwords is None:
        return False
    wanted = hashlib.sha1(normal_form(password), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with _opened(settings) as hashes:
            return hashes.has(wanted)
    except (OSError, InvalidFile) as error:
        log.error("breached_passwords.unusable", error=type(error).__name__, reason=str(error))
        raise Unavailable from None


def require_usable(settings: Settings) -> None:
    """Raise SettingsError, in one line, if the configured list is missing or does not look like one."""
    if settings.breached_passwords is None:
        return
    try:
        with _opened(settings) as hashes:
            hashes.require_order()
    except OSError as error:
        raise _refused(settings, f"cannot be read: {error.strerror}") from None
    except InvalidFile as error:
        raise _refused(settings, str(error)) from None


class Hashes:
    """An open file of hashes, searched by byte offset."""

    def __init__(self, file: int, size: int) -> None:
        self._file = file
        self._size = size

    def has(self, wanted: bytes) -> bool:
        """Return whether the file has this hash, by a binary search whose number of steps depends on the file alone."""
        low, high, found = 0, self._size, False
        for _ in range(self._size.bit_length() + 1):
            middle = (low + high) // 2
            there = self._first_after(middle)
            found |= there == wanted
            if there is not None and there < wanted:
                low = min(middle + 1, high)
            else:
                high = middle
        return found

    def require_order(self) -> None:
        """Check that the first line, the last and some between are in order. Raises InvalidFile."""
        before = b""
        for number in range(SAMPLES + 1):
            offset = (self._size - 1) * number // SAMPLES
            there = self._first_after(offset)
            if there is None:
                break
            if there < before:
                raise InvalidFile(f"is not ordered by hash (around byte {offset})")
            before = there
        # The last line may begin anywhere near the end; a broken download ends in half a line.
        last = os.pread(self._file, TWO_LINES, max(0, self._size - TWO_LINES)).removesuffix(b"\n").rpartition(b"\n")[2]
        if self._parsed(last, self._size - len(last)) < before:
            raise InvalidFile("is not ordered by hash (at its end)")

    def _first_after(self, offset: int) -> bytes | None:
        """Return the hash of the first line that begins at this byte or later; None after the last line."""
        begin = max(0, offset - 1)
        text = os.pread(self._file, TWO_LINES, begin)
        if offset > 0:
            rest, newline, text = text.partition(b"\n")
            begin += len(rest) + 1
            if not newline and begin < self._size:
                raise InvalidFile(f"holds something else than SHA-1 hashes, one on a line (around byte {offset})")
        return self._parsed(text.partition(b"\n")[0], begin) if text else None

    @staticmethod
    def _parsed(line: bytes, offset: int) -> bytes:
        if NTLM.fullmatch(line):
            raise InvalidFile("holds NTLM hashes; the list of SHA-1 hashes is needed")
        match = LINE.fullmatch(line)
        if match is None:
            raise InvalidFile(f"holds something else than SHA-1 hashes, one on a line (at byte {offset})")
        return match[1].upper()


@contextmanager
def _opened(settings: Settings) -> Iterator[Hashes]:
    assert settings.breached_passwords is not None  # noqa: S101  # the callers looked
    # Not to be held up by a pipe; regular files do not block.
    file = os.open(settings.breached_passwords, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidFile("is not a file")
        if status.st_size == 0:
            raise InvalidFile("is empty")
        yield Hashes(file, status.st_size)
    finally:
        os.close(file)


def _refused(settings: Settings, why: str) -> SettingsError:
    return SettingsError(f"SIGNET_BREACHED_PASSWORDS: {settings.breached_passwords} {why}")
