"""An upstream that issues tokens for its APIs, rotates refresh tokens, and revokes everything if an old one comes."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from provider.outbound.answers import Answer, OutboundFailed
from tests.federation.fake_provider import ISSUER, TOKEN, FakeProvider
from tests.support.clock import Clock

REVOKE = f"{ISSUER}/revoke"


class TokenProvider(FakeProvider):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.metadata["revocation_endpoint"] = REVOKE
        self.issued: dict[str, Any] = {"expires_in": 600, "scope": "openid calendar"}
        """What token responses have beside the tokens."""
        self.with_refresh_token = True
        self.current: str | None = None
        """The refresh token that is valid."""
        self.reused: list[str] = []
        self.refreshes = 0
        self.revoked: list[dict[str, str]] = []
        self.before_refresh: Callable[[], object] = lambda: None
        """Called while the answer to a refresh is awaited."""
        self.refresh_reply: tuple[int, dict[str, Any]] | str | None = None
        self._lock = threading.Lock()

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        if url == REVOKE:
            self.revoked.append(dict(form))
            return self._reply(url, {})
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        answer = super().post_form(url, form, headers=headers)
        body = json.loads(answer.body)
        if "access_token" not in body:
            return answer
        body |= {"access_token": "access-0", **self.issued}
        if self.with_refresh_token:
            self.current = body["refresh_token"] = "refresh-0"
        return Answer(200, "application/json", json.dumps(body).encode())

    def _refresh(self, token: str) -> Answer:
        self.before_refresh()
        if isinstance(self.refresh_reply, str):
            raise OutboundFailed(self.refresh_reply)
        if self.refresh_reply is not None:
            status, body = self.refresh_reply
            return Answer(status, "application/json", json.dumps(body).encode())
        with self._lock:
            self.asked.append(TOKEN)
            self.refreshes += 1
            if token != self.current:
                self.reused.append(token)
                return Answer(400, "application/json", b'{"error": "invalid_grant"}')
            self.current = f"refresh-{self.refreshes}"
            body = {"access_token": f"access-{self.refreshes}", "refresh_token": self.current, "token_type": "bearer"}
            return Answer(200, "application/json", json.dumps(body | self.issued).encode())
