"""The servers of a PostgreSQL in high availability: which of them can write, and which cannot be reached."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql


class Role(Enum):
    """The role of a server."""

    PRIMARY = "primary"
    STANDBY = "standby"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Server:
    """One server of a database URL, as it was found."""

    name: str
    """Its host and port."""
    role: Role
    waits_for_standby: bool = False
    """Whether each commit waits until a standby has it, so that a fail-over loses nothing that was acknowledged."""


def find_servers(database_url: str, *, timeout: float) -> Iterator[Server]:
    """Yield the servers that a PostgreSQL URL names; nothing for SQLite. `timeout` is in seconds, for each.

    Does not raise: a server that cannot be reached is one of the answers.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return
    dialect: Any = postgresql.psycopg.dialect  # SQLAlchemy leaves it untyped
    given: dict[str, Any] = dict(dialect().create_connect_args(url)[1])
    hosts, ports = (str(given.get(name) or "").split(",") for name in ("host", "port"))
    given.update(target_session_attrs="any", connect_timeout=max(2, round(timeout)))
    for host, port in zip(hosts, ports, strict=True):
        yield _look_at(f"{host}:{port}" if port else host or "localhost", {**given, "host": host, "port": port})


def _look_at(name: str, parameters: dict[str, Any]) -> Server:
    import psycopg  # noqa: PLC0415  # only for a PostgreSQL

    try:
        with psycopg.connect(**parameters, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names') <> ''"
                " AND current_setting('synchronous_commit') NOT IN ('off', 'local')"
            ).fetchone()
    except psycopg.Error:
        return Server(name, Role.UNREACHABLE)
    is_standby, waits = found or (True, False)
    return Server(name, Role.STANDBY if is_standby else Role.PRIMARY, waits)
