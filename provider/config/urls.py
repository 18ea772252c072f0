"""URLs of the database and of Redis in the notations that operators paste, and the hosts of other settings."""

import re
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator

from provider.config.notation import Notation

DRIVER = "postgresql+psycopg"
DATABASE_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME"
REDIS_FORMS = "redis://USER:PASSWORD@HOST:PORT/NUMBER, rediss:// for TLS, or unix:///PATH?db=NUMBER"


def _database_url(value: str) -> str:
    """Return the URL with our driver and an encoded password. Raises ValueError, without the URL's password."""
    scheme, found, rest = value.partition("://")
    if scheme.lower() == "sqlite" and found:
        if not rest.startswith("/") or rest.endswith("/") or rest == "/:memory:" or "?" in rest:
            raise ValueError("must name a file, such as sqlite:///signet.db or sqlite:////var/lib/signet/signet.db")
        return f"sqlite://{rest}"
    if scheme.lower() not in {"postgres", "postgresql", DRIVER} or not found:
        raise ValueError(_unsupported(scheme if found else "", DATABASE_FORMS))
    url = f"{DRIVER}://{_encoded(rest, DATABASE_FORMS)}"
    _require_options(urlsplit(url).query)
    return url


def _require_options(query: str) -> None:
    """Check the options behind `?`: the library that connects would reject unknown ones at the first request only."""
    if not query:
        return
    from psycopg import ProgrammingError  # noqa: PLC0415  # only for a URL with options
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    options = dict(part.partition("=")[::2] for part in query.split("&"))
    try:
        make_conninfo("", **options)
    except ProgrammingError:
        known = "sslmode, sslrootcert, connect_timeout, application_name or another of libpq"
        raise ValueError(f"has an option that PostgreSQL does not know; each must be {known}") from None


def _redis_url(value: str) -> str:
    """Return the URL with an encoded password. Raises ValueError, without the URL's password."""
    scheme, found, rest = value.partition("://")
    if scheme.lower() not in {"redis", "rediss", "unix"} or not found:
        raise ValueError(_unsupported(scheme if found else "", REDIS_FORMS))
    url = f"{scheme.lower()}://{_encoded(rest, REDIS_FORMS)}"
    parts = urlsplit(url)
    is_complete = (
        len(parts.path) > 1 if parts.scheme == "unix" else parts.hostname and re.fullmatch(r"/?[0-9]*", parts.path)
    )
    if not is_complete:
        raise ValueError(f"must be {REDIS_FORMS}")
    from redis import ConnectionPool  # noqa: PLC0415  # only where there is a Redis

    try:
        ConnectionPool.from_url(url).make_connection()  # connects to nothing yet
    except (ValueError, TypeError):
        raise ValueError(f"has an option that Redis does not know; it must be {REDIS_FORMS}") from None
    return url


def _unsupported(scheme: str, forms: str) -> str:
    known = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", scheme)
    return f"{scheme}:// is not supported; it must be {forms}" if known else f"must be {forms}"


def _encoded(rest: str, forms: str) -> str:
    """Return what follows `://`, with user and password percent-encoded.

    They may contain `@`, `:`, `/`, `?`, `#` and `%` as they are: the last `@` ends them. What is encoded stays so.
    """
    login, at, where = rest.rpartition("@")
    user, colon, password = login.partition(":")
    encoded = f"{_once(user)}{colon}{_once(password)}{at}{where}"
    try:
        parts = urlsplit(f"x://{where}")
        port = parts.port
    except ValueError:
        port = -1
    if (port is not None and not 0 < port < 65536) or any(character.isspace() for character in where):
        raise ValueError(f"must be {forms}")
    if parts.fragment or "#" in where:
        raise ValueError(f"must be {forms}, without #")
    return encoded


def _once(text: str) -> str:
    return quote(unquote(text), safe="")


def _host(value: str) -> str:
    """Return a host name or IP address. Raises ValueError for a URL or for a host with a port."""
    name = value.strip("[]") if value.startswith("[") and value.endswith("]") else value
    if "://" in name or not name or re.search(r"[\s/@,;?#]", name) or name.count(":") == 1:
        raise ValueError("must be a host name or IP address, without a scheme, port or path, such as smtp.example.com")
    return name


DatabaseUrl = Annotated[str, AfterValidator(_database_url), Notation("URL")]
RedisUrl = Annotated[str, AfterValidator(_redis_url), Notation("URL")]
Host = Annotated[str, AfterValidator(_host), Notation("host name or IP address")]
