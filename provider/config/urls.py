"""URLs of the database in the notations that operators paste, and the hosts and pages of other settings."""

import re
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator

from provider.config.notation import Notation

DRIVER = "postgresql+psycopg"
DATABASE_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME"
WRITABLE = ("read-write", "primary")
"""The values of target_session_attrs with which a server that cannot write is never used."""


def _database_url(value: str) -> str:
    """Return the URL with our driver and an encoded password. Raises ValueError, without the URL's password."""
    scheme, found, rest = value.partition("://")
    if scheme.lower() == "sqlite" and found:
        if not rest.startswith("/") or rest.endswith("/") or rest == "/:memory:" or "?" in rest:
            raise ValueError("must name a file, such as sqlite:///signet.db or sqlite:////var/lib/signet/signet.db")
        return f"sqlite://{rest}"
    if scheme.lower() not in {"postgres", "postgresql", DRIVER} or not found:
        raise ValueError(unsupported(scheme if found else "", DATABASE_FORMS))
    url = f"{DRIVER}://{encoded(_with_hosts_as_options(rest), DATABASE_FORMS)}"
    query = urlsplit(url).query
    options = dict(part.partition("=")[::2] for part in query.split("&") if part)
    _require_options(options)
    has_several = "," in options.get("host", "")
    wanted = options.get("target_session_attrs")
    if wanted is None:
        return f"{url}&target_session_attrs={WRITABLE[0]}" if has_several else url
    if wanted not in WRITABLE and (has_several or wanted != "any"):
        raise ValueError(f"has target_session_attrs={wanted}; it must be {' or '.join(WRITABLE)}")
    return url


def _read_url(value: str) -> str:
    """Return the URL of a replica. Of several servers, any standby may answer. Raises ValueError."""
    scheme, _, rest = value.partition("://")
    if scheme.lower() == "sqlite":
        raise ValueError("must be a PostgreSQL, postgresql://USER:PASSWORD@HOST:PORT/NAME")
    if "target_session_attrs=" in rest:
        raise ValueError("must not have target_session_attrs: a server is used if it is a standby")
    return _database_url(value).replace(f"target_session_attrs={WRITABLE[0]}", "target_session_attrs=standby")


def _with_hosts_as_options(rest: str) -> str:
    """Return what follows `://`, with several hosts (`db1:5432,db2:5432`, as libpq takes them) as options."""
    login, at, where = rest.rpartition("@")
    servers, slash, name = where.partition("/")
    if "," not in servers:
        return rest
    found = [re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s?#]+)(?::([0-9]{1,5}))?", server) for server in servers.split(",")]
    name, _, query = name.partition("?")
    if not all(found) or not slash or "host=" in query:
        raise ValueError(f"must be {DATABASE_FORMS}, or with several servers HOST:PORT,HOST:PORT")
    hosts = ",".join(one[1].strip("[]") for one in found if one)
    ports = ",".join(one[2] or "5432" for one in found if one)
    return f"{login}{at}/{name}?host={hosts}&port={ports}{'&' if query else ''}{query}"


def _require_options(options: dict[str, str]) -> None:
    """Check the options behind `?`: the library that connects would reject unknown ones at the first request only."""
    if not options:
        return
    from psycopg import ProgrammingError  # noqa: PLC0415  # only for a URL with options
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    try:
        make_conninfo("", **options)
    except ProgrammingError:
        known = "sslmode, sslrootcert, connect_timeout, application_name or another of libpq"
        raise ValueError(f"has an option that PostgreSQL does not know; each must be {known}") from None


def unsupported(scheme: str, forms: str) -> str:
    """Return what is wrong with a URL of this scheme. `forms` says which are right."""
    known = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", scheme)
    return f"{scheme}:// is not supported; it must be {forms}" if known else f"must be {forms}"


def encoded(rest: str, forms: str) -> str:
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


def _web_page(value: str) -> str:
    """Return the URL of a page that users open. Raises ValueError."""
    try:
        parts = urlsplit(value)
        has_host = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        has_host = False
    if not has_host or not value.isascii() or re.search(r"[\s\"<>]", value):
        raise ValueError("must be an http or https URL, such as https://example.com/terms")
    return value


DatabaseUrl = Annotated[str, AfterValidator(_database_url), Notation("URL")]
ReadUrl = Annotated[str, AfterValidator(_read_url), Notation("URL")]
Host = Annotated[str, AfterValidator(_host), Notation("host name or IP address")]
WebPage = Annotated[str, AfterValidator(_web_page), Notation("URL")]
