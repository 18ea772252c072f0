"""Clients of Redis: for one server, for the primary that Sentinels name, or for a cluster.

Nothing connects before the first command, so a process starts whether Redis runs or not.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from provider.config.redis_url import CLUSTER, SENTINEL, RedisServers, split

NAMESPACE = "{signet}"
"""How the keys of the queue begin. The braces put all of them on one node of a cluster, because dramatiq's script uses
them together.
"""

if TYPE_CHECKING:
    from redis.commands.core import Script
    from redis.retry import Retry


def open_redis(url: str, *, timeout: float, connect_timeout: float | None = None) -> Any:
    """Return a client for SIGNET_REDIS_URL. `timeout` is for each command, and for connecting too if it has no own.

    Times are in seconds. A command is tried once more, for a connection that the server has closed.
    """
    from redis import Redis  # noqa: PLC0415  # most installations have none

    servers = split(url)
    timeouts = {"socket_timeout": timeout, "socket_connect_timeout": connect_timeout or timeout}
    if servers.kind == CLUSTER:
        return ClusterClient(servers, timeouts)
    if servers.kind == SENTINEL:
        return _open_primary(servers, timeouts)
    return Redis.from_url(servers.server_url, **timeouts, retry=_retry(1))


def require_redis(url: str, *, timeout: float) -> None:
    """Ask Redis for a key, as the limits and the queue do. Raises RedisError, OSError or ValueError if that fails.

    A cluster answers PING also while it refuses everything else.
    """
    with open_redis(url, timeout=timeout) as client:
        client.exists(NAMESPACE)


def _open_primary(servers: RedisServers, timeouts: dict[str, float]) -> Any:
    from redis.sentinel import Sentinel  # noqa: PLC0415  # not everybody has them

    options = _options(servers)
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    of_sentinels = {**tls, **timeouts, **dict(servers.sentinel_login), "retry": _retry(0)}
    manager: Any = Sentinel  # redis leaves it untyped
    return manager(servers.addresses, sentinel_kwargs=of_sentinels, **{**timeouts, **options}).master_for(
        servers.name, retry=_retry(1)
    )


def _options(servers: RedisServers) -> dict[str, Any]:
    """Return the arguments for a connection to each of several servers, without its address."""
    from redis import connection  # noqa: PLC0415  # only for several servers

    parse: Any = connection.parse_url  # redis leaves it untyped
    options: dict[str, Any] = parse(servers.server_url)
    for name in ("host", "port", "connection_class"):
        options.pop(name, None)
    if servers.server_url.startswith("rediss:"):
        options["ssl"] = True
    return options


def _retry(times: int) -> "Retry":
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return Retry(NoBackoff(), times)  # by default it is ten times, with pauses, while a request waits


class ClusterClient:
    """A client of a cluster that connects at the first command, unlike `redis.RedisCluster`."""

    def __init__(self, servers: RedisServers, timeouts: dict[str, float]) -> None:
        self._servers = servers
        self._timeouts = timeouts
        self._opening = threading.Lock()
        self._opened: Any = None

    def register_script(self, script: str | bytes) -> "Script":
        """Return the script as a function, which sends it to the cluster when it is needed there."""
        from redis.commands.core import Script  # noqa: PLC0415

        return Script(self, script if isinstance(script, bytes) else script.encode())  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the connections. The next command opens them anew."""
        with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, command: str) -> Callable[..., Any]:
        return partial(self._run, command)

    def _run(self, command: str, *arguments: Any, **options: Any) -> Any:
        """Run a command. Raises ConnectionError of redis also for a cluster that cannot be used, as a server would."""
        from redis.exceptions import ClusterDownError, ConnectionError, RedisClusterException  # noqa: A004, PLC0415

        try:
            return getattr(self._open(), command)(*arguments, **options)
        except (ClusterDownError, RedisClusterException) as error:
            raise ConnectionError(str(error)) from error

    def _open(self) -> Any:
        from redis.cluster import ClusterNode, RedisCluster  # noqa: PLC0415

        with self._opening:
            if self._opened is None:
                options = _options(self._servers)
                options.pop("db", None)  # a cluster has only number 0
                nodes: Any = [ClusterNode(host, port) for host, port in self._servers.addresses]  # type: ignore[no-untyped-call]
                self._opened = RedisCluster(
                    startup_nodes=nodes,
                    dynamic_startup_nodes=False,  # they may be names, and the addresses behind them may change
                    retry=_retry(1),
                    **{**self._timeouts, **options},
                )
            return self._opened
