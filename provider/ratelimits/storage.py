"""Where the hits of rate limits are kept: in Redis, or in a small SQLite file of the worker processes of one service.

The file is in a private folder that the parent creates before the workers and deletes after them (`serve`). It is never
the main database: a limit must not wait for a transaction there, nor the other way round.
"""

import sqlite3
import time
from pathlib import Path
from typing import Any

from limits.storage import MovingWindowSupport, RedisStorage, Storage

BUSY = 0.25
"""How long one hit waits for those of other processes, in seconds. Then it counts as an outage of the file."""
PURGED_PER_HIT = 4
"""How many expired hits each new one deletes, so that the file stays as small as what it must know."""

_SCHEMA = """
create table if not exists hits (key text not null, at real not null, expires_at real not null);
create index if not exists hits_by_key on hits (key, at);
create index if not exists hits_by_expiry on hits (expires_at);
"""


class SharedRedis(RedisStorage):
    """Moving windows in Redis, through any client of it. Each hit and each look uses one key, as a cluster needs it."""

    STORAGE_SCHEME = None  # type: ignore[assignment]  # like `SharedFile`: opened by us, not by the scheme of a URL
    base_exceptions = Exception

    def __init__(self, client: Any) -> None:
        """`client` is what `open_redis` returns. Its errors are raised as they are."""
        Storage.__init__(self)
        self.key_prefix = self.PREFIX
        self.storage = client
        self.initialize_storage("")


class SharedFile(Storage, MovingWindowSupport):
    """Moving windows in a SQLite file. A process opens it at its first hit, after the fork.

    For one thread at a time, and for the strategy `MovingWindowRateLimiter` only. Raises sqlite3.Error while the file
    cannot be used.
    """

    STORAGE_SCHEME = None
    base_exceptions = sqlite3.Error

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._opened: sqlite3.Connection | None = None

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` hits if there is room for them; return whether there was. `expiry` is in seconds."""
        db, now = self._open(), time.time()
        db.execute("begin immediate")
        with db:
            taken = db.execute("select count(*) from hits where key = ? and at > ?", (key, now - expiry)).fetchone()[0]
            has_room = bool(taken + amount <= limit)
            if has_room:
                db.executemany("insert into hits values (?, ?, ?)", [(key, now, now + expiry)] * amount)
                old = "select rowid from hits where expires_at < ? order by expires_at limit ?"
                db.execute(f"delete from hits where rowid in ({old})", (now, PURGED_PER_HIT * amount))
        return has_room

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return the time of the oldest hit in the window, in seconds since the epoch, and the number of hits in it."""
        now = time.time()
        window = "select min(at), count(*) from hits where key = ? and at > ?"
        oldest, taken = self._open().execute(window, (key, now - expiry)).fetchone()
        return oldest or now, taken

    def check(self) -> bool:
        """Return True: the file is this machine's own."""
        return True

    def reset(self) -> int:
        """Delete all hits; return how many."""
        return self._open().execute("delete from hits").rowcount

    def clear(self, key: str) -> None:
        """Delete the hits of one key."""
        self._open().execute("delete from hits where key = ?", (key,))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Raise NotImplementedError: only fixed windows need this."""
        raise NotImplementedError

    def get(self, key: str) -> int:
        """Raise NotImplementedError: only fixed windows need this."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Raise NotImplementedError: only fixed windows need this."""
        raise NotImplementedError

    def _open(self) -> sqlite3.Connection:
        if self._opened is None:
            # The limits may be lost with the machine, so nothing is synced; WAL survives the death of a process.
            db = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = off")
            db.executescript(_SCHEMA)
            self._opened = db
        return self._opened
