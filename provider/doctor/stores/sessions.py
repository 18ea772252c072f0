"""Sessions with PostgreSQL that set nothing themselves, as the role and the database are set up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.dialects import postgresql

from provider.doctor.transport import Unreachable

LONGEST = 160


@contextmanager
def connect(database_url: str) -> Iterator[Any]:
    """Open a session in which each statement is a transaction. Raises Unreachable, with the words of the server."""
    import psycopg  # noqa: PLC0415  # only for a PostgreSQL

    dialect: Any = postgresql.psycopg.dialect  # SQLAlchemy leaves it untyped
    given: dict[str, Any] = dict(dialect().create_connect_args(make_url(database_url))[1])
    try:
        with psycopg.connect(**{**given, "connect_timeout": 3}, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())[-LONGEST:]
        raise Unreachable("the database", f"no connection ({said or type(error).__name__})") from None
