"""Asking the app what it saw of a request (`provider.web.health`), through the proxy or at a single node."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provider.doctor.examination import Case
from provider.doctor.transport import TIMEOUT, Response
from provider.web.health import ECHO, TOKEN, Wish, digest_of, seal


@dataclass(frozen=True)
class Echo:
    """A response of the echo endpoint. `seen` is None if it did not answer as itself."""

    response: Response
    seen: Mapping[str, Any] | None
    token: str = ""
    """The token that was sent."""

    @property
    def is_refused(self) -> bool:
        """Whether a Signet answered, and does not accept the token."""
        return self.response.status == 404 and self.response.body == b'{"error":"not_found"}'

    def arrived(self, name: str, value: str) -> bool:
        """Return whether a header arrived, once, with this value."""
        digests = (self.seen or {}).get("headers", {}).get(name.lower(), [])
        return list(digests) == [digest_of(value.encode("latin-1"))]


def ask_app(
    case: Case,
    *,
    method: str = "GET",
    path: str = "",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    wish: Wish | None = None,
    node: str | None = None,
    address: str | None = None,
    timeout: float = TIMEOUT,
) -> Echo:
    """Send a request to the echo endpoint of the issuer, or of a node. Raises Unreachable."""
    installation = case.inside
    token = seal(installation.vault, wish or Wish(), now=installation.clock())
    sent = {TOKEN: token, **(headers or {})}
    if node is not None:
        sent["Host"] = case.authority
    url = (case.url if node is None else node) + ECHO + path + (f"?{query}" if query else "")
    response = case.transport.send(method, url, headers=sent, body=body, address=address, timeout=timeout)
    return Echo(response, _read(response), token)


def _read(response: Response) -> Mapping[str, Any] | None:
    if response.status != 200:
        return None
    try:
        value = json.loads(response.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "trusts_peer" in value else None
