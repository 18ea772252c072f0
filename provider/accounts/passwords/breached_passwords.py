"""Passwords known from breaches of other services, looked up in a file of their hashes that an operator put here.

The file is as Have I Been Pwned has it, ordered by hash: a SHA-1 in hex on each line, with or without `:COUNT`. It may
be far larger than memory: a look-up reads some dozens of lines, as many for one password as for another, and keeps
nothing. It is opened anew each time, so a newer file moved to its place is used at once.
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
"""Bytes that hold the rest of a line and the whole of the next, wherever they begin."""
SAMPLES = 64
"""Lines looked at before the start: a list in another order does not pass, and a slow disk is not kept busy."""


class InvalidFile(Exception):
    """What is wrong with the file, for the operator."""


def is_breached(settings: Settings, password: str) -> bool:
    """Is the password in the operator's list? False without one. Raises Unavailable when the list cannot be read."""
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
    """Raises SettingsError, one line, when the list named in the settings is missing, or does not look like one."""
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
    """The open file, by its bytes."""

    def __init__(self, file: int, size: int) -> None:
        self._file = file
        self._size = size

    def has(self, wanted: bytes) -> bool:
        """Binary search for where the hash would begin, in steps whose number depends on the file alone."""
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
        """Look at the first line, the last and some between. Raises InvalidFile."""
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
        """The hash of the first line that begins at this byte or later; None after the last."""
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
