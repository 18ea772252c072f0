"""Health checks: /health/live answers while the process runs; /health/ready says whether it can serve, or why not.

/health/echo says what arrives here of a request, for `signet doctor`, which compares it with what it sent. It answers
only to a short-lived token that the secret key of this installation sealed. For anyone else there is no such page. The
token also says what the response shall be like, so no one else can make it large or slow.
"""

import asyncio
import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from provider import __version__
from provider.config.settings import Settings
from provider.crypto.vault import Vault
from provider.database.engine import OUTAGES
from provider.web.bodies import BodyTooLarge, CallerGone, read_body
from provider.web.headers import RequestHeaders
from provider.web.json_responses import JsonResponse
from provider.web.network import is_trusted_proxy, network_of
from provider.work import Installation

ECHO = "/health/echo"
COOKIE = "signet-doctor"
TOKEN = "signet-doctor"  # noqa: S105  # the name of a header
PURPOSE = "doctor/echo"
LIFETIME = timedelta(minutes=2)
MAX_SENT = 4 * 1024 * 1024
"""The largest request body in bytes, as the proxies of our documentation let it through."""
MAX_SIZE, MAX_HEADER, MAX_WAIT, MAX_COOKIES = 512 * 1024, 16 * 1024, 60.0, 8
OF_PROXIES = ("forwarded", "via", "x-real-ip")
"""Headers that are returned in full, besides X-Forwarded-*. The others are returned as digests."""


@dataclass(frozen=True)
class Wish:
    """The form of the response that a request asks for."""

    wait: float = 0.0
    """How long to wait before it, in seconds."""
    size: int = 0
    """How many bytes to add to its body."""
    header: int = 0
    """How many bytes to add to its headers."""
    cookies: int = 0
    """How many cookies to set, each of which expires immediately."""


async def live(_request: Request) -> JsonResponse:
    """Answer 200 without using anything that could be unavailable."""
    return JsonResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def ready(request: Request) -> JsonResponse:
    """Answer 200, or 503 with the names of the problems, within the database's timeout."""
    state = request.app.state
    database = state.installation.database

    def ask() -> str | None:
        try:
            database.require_usable()
        except OUTAGES:
            return "unavailable"
        return None

    problems = {}
    if state.stopping:
        problems["process"] = "stopping"
    problem = await asyncio.get_running_loop().run_in_executor(None, ask)
    if problem is not None:
        problems["database"] = problem
    body = {"status": "ok"} if not problems else {"status": "not ready", "reasons": problems}
    return JsonResponse(body, status_code=503 if problems else 200, headers={"cache-control": "no-store"})


def seal(vault: Vault, wish: Wish, *, now: datetime) -> str:
    """Return the token for one request. It has only what is wished, because older nodes do not know every wish."""
    wished = {name: value for name, value in asdict(wish).items() if value}
    return vault.seal(wished, purpose=PURPOSE, now=now, lifetime=LIFETIME)


def digest_of(value: bytes) -> str:
    """Return the digest by which a header or a body is compared."""
    return hashlib.sha256(value).hexdigest()[:32]


async def echo(request: Request) -> Response:
    """Answer 200 with what arrived, or 404 without a valid token."""
    installation: Installation = request.app.state.installation
    headers: RequestHeaders = request.scope["state"]["headers"]
    token = headers.get(TOKEN, "")
    wish = _wish(installation, token)
    if wish is None:
        return JsonResponse({"error": "not_found"}, status_code=404, headers={"cache-control": "no-store"})
    try:
        body = await read_body(request.receive, limit=MAX_SENT)
    except CallerGone:
        return Response(status_code=400)
    except BodyTooLarge:
        return JsonResponse({"error": "too_large"}, status_code=413, headers={"cache-control": "no-store"})
    if wish.wait:
        await asyncio.sleep(min(wish.wait, MAX_WAIT))
    seen = {
        **_seen(request, headers, installation),
        "settings": settings_digests(installation.settings, token),
        "body": {"length": len(body), "digest": digest_of(body)},
        "filling": "signet-doctor/" * (min(wish.size, MAX_SIZE) // 14),
    }
    extra = {"signet-filling": "x" * min(wish.header, MAX_HEADER)} if wish.header else {}
    response = JsonResponse(seen, headers={"cache-control": "no-store", **extra})
    for number in range(min(wish.cookies, MAX_COOKIES)):
        response.headers.append("set-cookie", f"{COOKIE}-{number}=x; Max-Age=0; Path={ECHO}")
    return response


def settings_digests(settings: Settings, token: str) -> dict[str, str]:
    """Return a short digest of each setting, by which the doctor finds those that differ from its own.

    The token is part of each digest, so digests of two requests cannot be compared, and none can be looked up.
    """
    value = settings.model_dump()
    return {
        name: digest_of(f"{token}/{name}/{_as_text(value[name])}".encode())[:12] for name in type(settings).model_fields
    }


def _as_text(value: object) -> str:
    """Return a value as text that is the same in every process: sets have no order."""
    if isinstance(value, set | frozenset):
        return repr(sorted(map(str, value)))
    return value.get_secret_value() if isinstance(value, SecretStr) else repr(value)


def _wish(installation: Installation, token: str) -> Wish | None:
    """Return the wish in a token, or None if the token is missing, forged or expired."""
    if not token.isascii() or len(token) > 1000:
        return None
    found = installation.vault.unseal(token, purpose=PURPOSE, now=installation.clock())
    return None if found is None else Wish(**found)


def _seen(request: Request, headers: RequestHeaders, installation: Installation) -> dict[str, Any]:
    scope, settings = request.scope, installation.settings
    client = scope.get("client")
    peer = client[0] if client else ""
    digests: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    for raw_name, value in scope["headers"]:
        name = raw_name.decode("latin-1")
        digests.setdefault(name, []).append(digest_of(value))
        if name in OF_PROXIES or name.startswith("x-forwarded-"):
            shown.setdefault(name, []).append(value.decode("latin-1")[:200])
    return {
        "version": __version__,
        "time": installation.clock().isoformat(),
        "method": scope["method"],
        "host": headers.getlist("host"),
        "query": scope["query_string"].decode("latin-1"),
        "path": scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        "http_version": scope.get("http_version", ""),
        "client": network_of(scope, headers, settings),
        "peer": peer,
        "trusts_peer": is_trusted_proxy(peer, settings),
        "proxy_headers": shown,
        "headers": digests,
    }
