"""Rate limits per network: LIMITS by name, counted outside the transaction.

These limits slow down unknown callers. They may be lost: they are in Redis, or in a file that the workers of a service
share, or in the memory of a single process. Counts that must not be lost
(failures per account) are in SQL: `accounts.throttle`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from ipaddress import IPv6Network
from pathlib import Path
from tempfile import TemporaryDirectory

import limits
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from provider.config.settings import Settings
from provider.observability.logging import log
from provider.observability.metrics import FAILED_ATTEMPTS, RATE_LIMITED
from provider.ratelimit_storage import SharedFile
from provider.refusals import TooManyRequests
from provider.work import UnitOfWork

REDIS_TIMEOUT = 0.25
"""The timeout of a call to Redis, in seconds (F-5)."""
PAUSE = 5.0
"""How long Redis, or the shared file, is not used after it failed, in seconds."""


@dataclass(frozen=True)
class Limits:
    """The rate limits, one per line with the reason; documented in docs/throttling.md. Each is per network address
    unless stated.
    """

    login: str = "60/5minutes"  # failed sign-ins: a person mistypes; an office shares one address
    all_logins: str = "300/minute"  # failed sign-ins of everybody together; then strangers wait (`throttle.RUSH`)
    sign_up: str = "20/hour"  # accounts are cheap to make and mail is not
    mail: str = "30/hour"  # letters asked for from one place
    mail_per_address: str = "5/hour"  # letters to one mailbox, whoever asks
    mail_resend: str = "1/30seconds"  # a second press of the button
    code: str = "30/5minutes"  # wrong codes typed from one place
    device: str = (
        "60/5minutes"  # device codes asked for from one place: each is a row, and a public client's id is known
    )
    user_code: str = "30/5minutes"  # wrong codes of devices typed from one place, by whoever is signed in
    upstream: str = "60/5minutes"  # failed sign-ins by an upstream: each costs it and us a request
    picture: str = "30/hour"  # uploaded by one person: each is decoded and drawn anew
    password_strength: str = "120/minute"  # noqa: S105  # looked at while somebody types: each takes up to 40 ms
    guess: str = "60/5minutes"  # codes, tokens and links that were never issued, from one place; only these are refused
    guess_by_client: str = "300/5minutes"  # the same by a client that authenticated: its server sends those of many
    client_secret: str = "50/5minutes"  # noqa: S105  # wrong secrets for one client from one place
    registration: str = (
        "1000/hour"  # clients that register from one place: a row each, and a request if they name a URL
    )
    explanation: str = "120/minute"  # rows kept about refused requests from one place


LIMITS = Limits()


NETWORK_OF_A_SITE = 48
"""The prefix length of the IPv6 networks that also have a limit, as one customer gets them (RFC 6177)."""
TIMES_AT_A_SITE = 10
"""How many times a limit is allowed in the network of a site."""


@dataclass(frozen=True)
class Window:
    """A moving window: its key, and how many times the limit it allows."""

    key: str
    times: int = 1


Key = str | tuple[Window, ...]
"""What is counted: a text, or all of several windows."""
Question = Callable[[MovingWindowRateLimiter, limits.RateLimitItem, str], int | None]


def of_network(work: UnitOfWork, name: str) -> tuple[Window, ...]:
    """Return the key of the network that a request came from, for the limit `name`.

    An IPv4 address counts by itself. An IPv6 address counts with its network (SIGNET_IPV6_PREFIX), in which one
    customer chooses addresses freely, and with that of its site, where the limit is higher.
    """
    network, length = work.origin.network, work.settings.ipv6_prefix
    window = Window(f"{name}:{prefix_of(network, length)}")
    if length <= NETWORK_OF_A_SITE or ":" not in network:
        return (window,)
    return window, Window(f"{name}:{prefix_of(network, NETWORK_OF_A_SITE)}", TIMES_AT_A_SITE)


def prefix_of(network: str, length: int) -> str:
    """Return the IPv6 network of this prefix length around an address; any other text is returned as it is."""
    try:
        return str(IPv6Network((network, length), strict=False))
    except ValueError:
        return network


class LimitCounter:
    """Moving windows in memory, or in a storage that processes share.

    While that is unavailable they are in memory at half the rate.
    """

    def __init__(self, redis_url: str | None = None, *, file: Path | None = None) -> None:
        self._memory = MovingWindowRateLimiter(MemoryStorage())
        self._memory_lock = threading.Lock()
        shared = None if redis_url is None else _redis(redis_url)
        if shared is None and file is not None:
            shared = SharedFile(file)
        self._shared = None if shared is None else MovingWindowRateLimiter(shared)
        # The file has one connection; Redis has a pool.
        self._turn: AbstractContextManager[object] = threading.Lock() if redis_url is None else nullcontext()
        self._away_until = 0.0

    def hit(self, limit: str, key: str) -> int | None:
        return self._ask(self._count, limit, key)

    def look(self, limit: str, key: str) -> int | None:
        return self._ask(self._test, limit, key)

    def _ask(self, question: Question, limit: str, key: str) -> int | None:
        item = limits.parse(limit)
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                with self._turn:
                    return question(self._shared, item, key)
            except Exception as error:  # noqa: BLE001  # whatever the client raises: counts are disposable, login is not
                self._away_until = time.monotonic() + PAUSE
                log.warning("ratelimits.storage_away", error=type(error).__name__)
        if self._shared is not None:
            item = type(item)(max(1, item.amount // 2), item.multiples, item.namespace)
        with self._memory_lock:  # two threads that start the storage's timer at the same moment crash
            return question(self._memory, item, key)

    def _count(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.hit(item, key) else self._wait(limiter, item, key)

    def _test(self, limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int | None:
        return None if limiter.test(item, key) else self._wait(limiter, item, key)

    @staticmethod
    def _wait(limiter: MovingWindowRateLimiter, item: limits.RateLimitItem, key: str) -> int:
        return max(1, round(limiter.get_window_stats(item, key).reset_time - time.time()))


def _redis(url: str) -> Storage:
    return RedisStorage(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        wrap_exceptions=False,
    )


@contextmanager
def shared_file(settings: Settings, *, processes: int) -> Iterator[Path | None]:
    """Provide the file in which the processes of a service count together, and delete it afterwards.

    Yields None where there is nothing to share: for one process, and with Redis.
    """
    if processes == 1 or settings.redis_url is not None:
        yield None
        return
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix="signet-limits-"))
        except OSError as error:  # a file system that is read-only, say: a service that counts loosely still serves
            log.warning("ratelimits.not_shared", error=str(error), hint="Each worker counts by itself. Set TMPDIR.")
            yield None
        else:
            yield Path(folder) / "hits.db"


def open_counter(settings: Settings, *, file: Path | None = None) -> LimitCounter:
    """Return the counter of this process: in Redis if there is one, else in the `file` that the service shares, else in
    memory.
    """
    with suppress(ConnectionError):
        return LimitCounter(settings.redis_url, file=file)
    return LimitCounter(file=file)


def hit(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one. Raises TooManyRequests if the window is full."""
    _refuse(_hit(work, limit, key), key)


def fail(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one failure. Raises TooManyRequests if there were too many.

    For secrets too long to be guessed. Who has the right one never waits, because it is checked first.
    """
    FAILED_ATTEMPTS.count(_kind_of(key))
    _refuse(_hit(work, limit, key), key)


def require_room(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Raise TooManyRequests if the window is full, without counting.

    Called before something of which only failures count.
    """
    _refuse(_look(work, limit, key), key)


def has_room(work: UnitOfWork, limit: str, *, key: Key) -> bool:
    """Count one; return whether there was room. For responses that must look the same either way."""
    room = _hit(work, limit, key) is None
    if not room:
        RATE_LIMITED.count(_kind_of(key))
    return room


def is_full(work: UnitOfWork, limit: str, *, key: Key) -> bool:
    """Return whether the window is full, without counting."""
    return _look(work, limit, key) is not None


def count(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one failure. If that fills the window, `require_room` rejects the next attempt."""
    FAILED_ATTEMPTS.count(_kind_of(key))
    _hit(work, limit, key)


def _hit(work: UnitOfWork, limit: str, key: Key) -> int | None:
    return _first(work.installation.counter.hit, limit, key)


def _look(work: UnitOfWork, limit: str, key: Key) -> int | None:
    return _first(work.installation.counter.look, limit, key)


def _first(ask: Callable[[str, str], int | None], limit: str, key: Key) -> int | None:
    """Ask about each window, until one is full. So a network that is over its limit does not use up its site's."""
    amount, _, period = limit.partition("/")
    for window in (Window(key),) if isinstance(key, str) else key:
        wait = ask(f"{int(amount) * window.times}/{period}", window.key)
        if wait is not None:
            return wait
    return None


def _kind_of(key: Key) -> str:
    """Return the label value of a key in metrics: its name, without the network or account."""
    text = key if isinstance(key, str) else key[0].key
    return text.partition(":")[0].replace("-", "_")


def _refuse(wait: int | None, key: Key) -> None:
    if wait is not None:
        RATE_LIMITED.count(_kind_of(key))
        raise TooManyRequests(wait)
