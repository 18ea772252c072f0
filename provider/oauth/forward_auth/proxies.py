"""The configuration of a reverse proxy in front of a protected site, from the files that the tests run. Pure.

The addresses of this server and of the site's own server stay those of the files.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from provider.languages.text import Text
from provider.oauth.clients.protected_sites.sites import has_plain_host
from provider.oauth.forward_auth.sites import NoSuchSite
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
_BEFORE = r'(?:\$signet_site|X-Forwarded-Host|header_up Host|Host:|domains:|value:) \[?"?'
_PLACES = re.compile(
    rf"(?P<before>{_BEFORE}){re.escape(SITE)}|^(?P<block>{re.escape(SITE)})(?= \{{)"
    rf"|(?P<site>{re.escape(SITE)})|{re.escape(ISSUER)}",
    re.MULTILINE,
)
"""Where a host is written: that of the site with its port, the same without it, or that of the issuer. All are filled
in one pass, because a site can be below a host in the files.
"""

_AROUND_PORT = (("listen ", " ssl"), ("address: 0.0.0.0, port_value: ", " }"))
"""What is around the port at which nginx and Envoy listen, in the files."""


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

    Raises NoSuchProxy, and NoSuchSite for a host that proxies would read as more than a name.
    """
    if proxy not in FILES:
        raise NoSuchProxy(proxy)
    if not has_plain_host(site):
        raise NoSuchSite(Text("%(url)s is not a URL such as https://wiki.example.com/page.", url=site[:100]))
    parts = urlsplit(site)
    host, port = (parts.hostname or ""), parts.port
    host = f"[{host}]" if ":" in host else host
    return {name: _filled(name, host, port, parts.netloc, urlsplit(issuer).netloc) for name in FILES[proxy]}


def _filled(name: str, host: str, port: int | None, authority: str, issuer: str) -> str:
    def fill(found: re.Match[str]) -> str:
        if found["before"] or found["block"]:
            return (found["before"] or "") + authority
        return host if found["site"] else issuer

    text = _PLACES.sub(fill, _shipped(name))
    if port is not None:
        for before, after in _AROUND_PORT:
            text = text.replace(f"{before}{DEFAULT_PORTS['https']}{after}", f"{before}{port}{after}")
    return text


@lru_cache
def _shipped(name: str) -> str:
    return (FORWARD_AUTH / name).read_text("utf-8")
