"""The header lines of a request, sorted once by name, so that nothing later goes through all of them again."""

from collections.abc import Iterable
from typing import overload


class RequestHeaders:
    """The headers of a request, found by their name in lower case. Several lines of one name stay apart."""

    __slots__ = ("_lines", "_repeated")

    def __init__(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        """Sort `lines` as ASGI has them: names in lower case, in the order in which they were sent."""
        self._lines: dict[bytes, bytes] = {}
        self._repeated: dict[bytes, list[bytes]] = {}
        for name, value in lines:
            if name not in self._lines:
                self._lines[name] = value
            elif name in self._repeated:
                self._repeated[name].append(value)
            else:
                self._repeated[name] = [self._lines[name], value]

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first line of this name, or the default."""
        value = self._lines.get(name.encode())
        return default if value is None else value.decode("latin-1")

    def getlist(self, name: str) -> list[str]:
        """Return every line of this name."""
        return [value.decode("latin-1") for value in self.lines(name.encode())]

    def lines(self, name: bytes) -> list[bytes]:
        """Return every line of this name, undecoded."""
        if name in self._repeated:
            return self._repeated[name]
        return [self._lines[name]] if name in self._lines else []

    @property
    def repeated(self) -> dict[bytes, list[bytes]]:
        """The lines of the names that were sent more than once."""
        return self._repeated

    def __getitem__(self, name: str) -> str:
        return self._lines[name.encode()].decode("latin-1")

    def __contains__(self, name: str) -> bool:
        return name.encode() in self._lines
