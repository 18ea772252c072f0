"""URLs of Redis: one server, servers behind Sentinel, or a cluster.

`split` is also what `redis_client` reads a URL with, so every URL that is accepted here can be used.
"""

import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator

from provider.config.notation import Notation
from provider.config.urls import encoded, unsupported

FORMS = (
    "redis://USER:PASSWORD@HOST:PORT/NUMBER, rediss:// for TLS, unix:///PATH?db=NUMBER, "
    "redis+sentinel://HOST,HOST/NAME/NUMBER, or redis+cluster://HOST,HOST"
)
SENTINEL, CLUSTER = "sentinel", "cluster"
DEFAULT_PORTS = {SENTINEL: 26379, CLUSTER: 6379}
SENTINEL_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}
"""Options of a URL with the login of the Sentinels, which is another one than that of the servers."""
_PARTS = re.compile(r"(?P<servers>[^/?#\s]+)(/(?P<path>[^?#\s]*))?(\?(?P<query>[^#\s]*))?")
_SERVER = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s/?#@\[\]]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class RedisServers:
    """The servers that a URL of Redis names."""

    kind: str
    """SENTINEL, CLUSTER, or an empty text for a single server."""
    server_url: str
    """The URL of one server, with the login, TLS, the number of the database and the options. Of several, the first."""
    addresses: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of the Sentinels, or of nodes of the cluster."""
    name: str = ""
    """What the Sentinels call the primary."""
    sentinel_login: tuple[tuple[str, str], ...] = ()
    """User name and password for the Sentinels, as far as they are set."""


def split(url: str) -> RedisServers:
    """Return what a URL of Redis says. Raises ValueError, without the URL's password."""
    scheme, found, rest = url.partition("://")
    plain, plus, kind = scheme.lower().partition("+")
    known = {"redis", "rediss"} if plus else {"redis", "rediss", "unix"}
    if not found or plain not in known or (plus and kind not in DEFAULT_PORTS):
        raise ValueError(unsupported(scheme if found else "", FORMS))
    if not plus:
        return RedisServers("", f"{plain}://{encoded(rest, FORMS)}")
    login, at, where = rest.rpartition("@")
    parts = _PARTS.fullmatch(where)
    if parts is None:
        raise ValueError(f"must be {FORMS}")
    addresses = tuple(_address(server, DEFAULT_PORTS[kind]) for server in parts["servers"].split(","))
    path = parts["path"] or ""
    name, _, number = path.partition("/") if kind == SENTINEL else ("", "", path)
    if (kind == SENTINEL and not name) or not re.fullmatch("[0-9]*" if kind == SENTINEL else "0?", number):
        raise ValueError(f"must be {FORMS}")
    options = parse_qsl(parts["query"] or "", keep_blank_values=True)
    sentinel_login = tuple((SENTINEL_LOGIN[key], value) for key, value in options if key in SENTINEL_LOGIN)
    if kind == SENTINEL:
        options = [(key, value) for key, value in options if key not in SENTINEL_LOGIN]
    host, port = addresses[0]
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    one = encoded(f"{login}{at}{server}/{number}", FORMS) + (f"?{urlencode(options)}" if options else "")
    return RedisServers(kind, f"{plain}://{one}", addresses, name, sentinel_login)


def _address(server: str, default_port: int) -> tuple[str, int]:
    found = _SERVER.fullmatch(server)
    port = int(found[2] or default_port) if found else 0
    if found is None or not 0 < port < 65536:
        raise ValueError(f"must be {FORMS}")
    return found[1].strip("[]"), port


def _redis_url(value: str) -> str:
    """Return the URL with an encoded login. Raises ValueError, without the URL's password."""
    servers = split(value)
    parts = urlsplit(servers.server_url)
    is_complete = (
        len(parts.path) > 1 if parts.scheme == "unix" else parts.hostname and re.fullmatch(r"/?[0-9]*", parts.path)
    )
    if not is_complete:
        raise ValueError(f"must be {FORMS}")
    from redis import ConnectionPool  # noqa: PLC0415  # only where there is a Redis

    try:
        ConnectionPool.from_url(servers.server_url).make_connection()  # connects to nothing yet
    except (ValueError, TypeError):
        raise ValueError(f"has an option that Redis does not know; it must be {FORMS}") from None
    if not servers.kind:
        return servers.server_url
    scheme, _, rest = value.partition("://")
    login, at, _ = parts.netloc.rpartition("@")
    return f"{scheme.lower()}://{login}{at}{rest.rpartition('@')[2]}"


RedisUrl = Annotated[str, AfterValidator(_redis_url), Notation("URL")]
