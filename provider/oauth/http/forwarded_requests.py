"""The request to a protected site, as its proxy describes it. Only trusted proxies are believed.

nginx, Traefik and Caddy send `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`. Envoy sends the method and the Host
header of the request itself, and its path after a prefix.
"""

from dataclasses import dataclass

from provider.oauth.forward_auth.sites import NotProtected
from provider.urls import normal_authority
from provider.web.call import Call
from provider.web.network import is_trusted_proxy

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
"""What proxies send as X-Forwarded-Proto, and the scheme of the origin. Some name WebSockets."""
SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Asked:
    """A request to a protected site."""

    origin: str
    uri: str
    """The path and the query, as they were sent."""
    wants_page: bool
    """Whether a browser navigates there, so that a redirect to a sign-in page makes sense and loses nothing."""


def read_asked(call: Call, *, original_uri: str | None = None) -> Asked:
    """Return the request that the proxy asks about. Raises NotProtected.

    `original_uri` is the path that Envoy appends. The headers that other proxies set are then ignored, because Envoy
    passes on what a client sends in them.
    """
    require_proxy(call)
    if original_uri is not None:
        if not original_uri.startswith("/"):
            raise NotProtected("The proxy must append the path of the request, which begins with a slash.")
        return Asked(_origin(call, "host"), original_uri, _wants_page(call, call.method))
    uri, method = _single(call, "x-forwarded-uri"), _single(call, "x-forwarded-method")
    if uri is None or not uri.startswith("/"):
        raise NotProtected("The proxy must send X-Forwarded-Uri with the path of the request.")
    if method is None:
        raise NotProtected("The proxy must send X-Forwarded-Method with the method of the request.")
    return Asked(read_origin(call), uri, _wants_page(call, method))


def require_proxy(call: Call) -> None:
    """Check that the request comes from a trusted proxy. Raises NotProtected."""
    client = call.scope.get("client")
    if not client or not is_trusted_proxy(client[0], call.settings):
        raise NotProtected("Only a trusted proxy may ask. Add its address to SIGNET_TRUSTED_PROXIES.")


def read_origin(call: Call) -> str:
    """Return the origin of the protected site, as a browser writes it. Raises NotProtected."""
    return _origin(call, "x-forwarded-host")


def _origin(call: Call, name: str) -> str:
    host, proto = _single(call, name), _single(call, "x-forwarded-proto")
    scheme = SCHEMES.get(proto or "https")
    try:
        known, port = normal_authority(host or "", scheme=scheme or "")
    except ValueError:
        raise NotProtected(f"The proxy must send one {name.title()} and one X-Forwarded-Proto.") from None
    if scheme is None:
        raise NotProtected("X-Forwarded-Proto must be https or http.")
    return f"{scheme}://{known}" + ("" if port is None else f":{port}")


def _single(call: Call, name: str) -> str | None:
    """Return a header, or None if it is missing. Raises NotProtected if it was sent more than once."""
    lines = call.headers.getlist(name)
    if len(lines) > 1:
        raise NotProtected(f"The proxy must send one {name.title()}.")
    return lines[0] if lines else None


def _wants_page(call: Call, method: str) -> bool:
    headers = call.headers
    if method not in SAFE or "sec-websocket-key" in headers or headers.get("upgrade"):
        return False
    mode = headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in call.header_list("accept") and "x-requested-with" not in headers
