"""The limit on open files, and how many connections it leaves room for in a process (F-15).

Without a free descriptor a process can open neither a connection nor a file. So connections are limited to what is left
beside the database, other servers and files.
"""

import resource
from dataclasses import dataclass

from provider.config.settings import Settings
from provider.database.engine import pool_size

MAX_CONNECTIONS = 2048
"""The most connections of a process, however many files may be open."""
FEWEST = 8
"""The connections of a process that hardly has descriptors."""
SMALL = 512
OTHERS = 32
"""Descriptors for the log, listeners, locks, the queue, and files that are read."""

MORE_FILES = (
    "Raise the limit on open files, to 8192 for example: LimitNOFILE in the systemd unit, `ulimit -n` in a shell"
)


@dataclass(frozen=True)
class Capacity:
    """How many connections a process has room for.

    It needs up to 2 x `connections` descriptors for them: half as many as that limit may exceed it (`most_open`), and
    half as many may be accepted before anything is done about them (`backlog`).
    """

    connections: int

    @property
    def backlog(self) -> int:
        return self.connections // 2

    @property
    def is_small(self) -> bool:
        """Whether an operator should hear of it."""
        return self.connections < SMALL


def most_open(connections: int) -> int:
    """Return the number of open connections above which the longest waiting one is closed at once."""
    return connections + connections // 2


def capacity(settings: Settings, descriptors: int) -> Capacity:
    """Return what a process that may open so many files has room for."""
    reserved = 2 * pool_size(settings) + settings.outbound_threads + OTHERS  # SQLite: the database and its log
    return Capacity(max(FEWEST, min(MAX_CONNECTIONS, (descriptors - reserved) // 2)))


def open_files_limit() -> int:
    """Return how many files this process may open at most, once it has raised its limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard


def raise_limit(settings: Settings) -> Capacity:
    """Raise this process's limit on open files as far as it needs; return what it has room for.

    Shells and systemd set a low limit for programs that cannot have more than 1,024, and a high one up to which others
    may raise it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(2 * MAX_CONNECTIONS + 1024, open_files_limit())
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return capacity(settings, open_files_limit() if soft == resource.RLIM_INFINITY else soft)
