"""Sessions on the server: the cookie carries an opaque id, because tokens neither fit a cookie nor belong in one."""

import secrets
import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Session(dict[str, Any]):
    """What the application remembers about one browser; Authlib keeps state, nonce and code_verifier here too."""

    renewed = False

    def renew(self) -> None:
        """Empty it and give it a new id: on sign-in and sign-out, so that an id fixed beforehand is worthless."""
        self.clear()
        self.renewed = True


class ServerSessions:
    """`request.session`, kept in memory for `lifetime` seconds after its last use."""

    def __init__(self, app: ASGIApp, *, cookie: str, secure: bool, lifetime: int = 8 * 3600) -> None:
        self.app = app
        self.cookie = cookie
        self.secure = secure
        self.lifetime = lifetime
        self.sessions: dict[str, tuple[float, Session]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        presented = HTTPConnection(scope).cookies.get(self.cookie, "")
        session = self._find(presented)
        scope["session"], scope["sessions"] = session, self

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._save(presented, session, MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    def end(self, claims: dict[str, Any]) -> None:
        """End every session that somebody's sign-in at the provider began: that of a `sid`, else all of a `sub`."""
        known = "sid" if "sid" in claims else "sub"
        for key, (_, session) in list(self.sessions.items()):
            if session.get("claims", {}).get(known) == claims[known]:
                session.clear()  # a request that is under way has it too
                del self.sessions[key]

    def _find(self, presented: str) -> Session:
        expires, session = self.sessions.get(presented, (0.0, Session()))
        return session if expires > time.monotonic() else Session()

    def _save(self, presented: str, session: Session, headers: MutableHeaders) -> None:
        known = presented in self.sessions
        if session.renewed:
            self.sessions.pop(presented, None)
            session.renewed = known = False
        if not session and not known:
            return
        now = time.monotonic()
        for expired in [key for key, (expires, _) in self.sessions.items() if expires < now]:
            del self.sessions[expired]
        key = presented if known else secrets.token_urlsafe(32)
        self.sessions[key] = (now + self.lifetime, session)
        if not known:
            # Lax: the provider's redirect back arrives with it, another site's form does not.
            secure = "; Secure" if self.secure else ""
            headers.append("set-cookie", f"{self.cookie}={key}; Path=/; HttpOnly; SameSite=Lax{secure}")
