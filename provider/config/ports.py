"""An address to listen on in the notation that operators write: `127.0.0.1:9464`, `[::1]:9464`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from provider.config.notation import Notation


def _port(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.path or parts.query or parts.fragment or "@" in value:
        raise ValueError("must be an address and a port, such as 127.0.0.1:9464")
    return host, port


Port = Annotated[tuple[str, int], BeforeValidator(_port), Notation("address and port")]
