"""The configuration of a reverse proxy in front of a protected site, from the files that the tests run. Pure.

The addresses of this server and of the site's own server stay those of the files.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from provider.languages.text import Text
from provider.refusals import Refusal
from provider.resources import FORWARD_AUTH
from provider.urls import DEFAULT_PORTS

FILES: Mapping[str, tuple[str, ...]] = {
    "nginx": ("nginx.conf", "signet-forward-auth.conf"),
    "caddy": ("Caddyfile",),
    "traefik": ("traefik.yml",),
    "envoy": ("envoy.yaml",),
}
"""The files of each proxy."""
NAMES: Mapping[str, str] = {"nginx": "nginx", "caddy": "Caddy", "traefik": "Traefik", "envoy": "Envoy"}
SITE, ISSUER = "wiki.example.com", "id.example.com"
"""The hosts in the files."""
_BEFORE = r'(?:\$signet_site|X-Forwarded-Host|Host:|domains:) \[?"?'
_WITH_PORT = re.compile(rf"({_BEFORE}){re.escape(SITE)}|^{re.escape(SITE)}(?= \{{)", re.MULTILINE)
"""Where the host of the site is written with its port."""


class NoSuchProxy(Refusal):
    """There is no configuration for this proxy."""

    code = "no-such-proxy"
    status_code = 404
    title = Text("No such proxy")

    def __init__(self, name: str) -> None:
        super().__init__(
            Text("There is no configuration for %(name)s, only for %(known)s.", name=name[:60], known=", ".join(FILES))
        )


def configuration_for(proxy: str, *, site: str, issuer: str) -> dict[str, str]:
    """Return the files for this proxy, by name, with the hosts of the site (an origin) and of the issuer.

    Raises NoSuchProxy.
    """
    if proxy not in FILES:
        raise NoSuchProxy(proxy)
    parts = urlsplit(site)
    host, port = (parts.hostname or ""), parts.port
    host = f"[{host}]" if ":" in host else host
    return {name: _filled(name, host, port, parts.netloc, urlsplit(issuer).netloc) for name in FILES[proxy]}


def _filled(name: str, host: str, port: int | None, authority: str, issuer: str) -> str:
    text = _WITH_PORT.sub(lambda found: (found[1] or "") + authority, _shipped(name))
    if port is not None:
        text = text.replace(f"listen {DEFAULT_PORTS['https']} ssl", f"listen {port} ssl")
    return text.replace(SITE, host).replace(ISSUER, issuer)


@lru_cache
def _shipped(name: str) -> str:
    return (FORWARD_AUTH / name).read_text("utf-8")
