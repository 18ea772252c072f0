"""An upstream that also transmits shared signals, and pushes them to us."""

import json
from collections.abc import Callable, Collection
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.federation.store import signal_states
from provider.federation.store.signal_states import SignalState
from provider.outbound.answers import Answer, OutboundFailed
from provider.sessions.store import find_all
from provider.signals import event_types
from tests.federation.conftest import EXAMPLE
from tests.federation.fake_provider import CLIENT_ID, ISSUER, FakeProvider, Traveller
from tests.support.clock import Clock
from tests.support.installation import ISSUER as HERE
from tests.support.installation import Work
from tests.support.people import find_user

TRANSMITTER = f"{ISSUER}/.well-known/ssf-configuration"
PATH = "/login/upstream/example/signals"
ADA = {"format": "iss_sub", "iss": ISSUER, "sub": "ada-at-example"}
Claims = dict[str, Any]


class TransmittingProvider(FakeProvider):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.transmitter: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", "spec_version": "1_0"}
        self.transmitters: dict[str, dict[str, Any]] = {TRANSMITTER: self.transmitter}

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        if url not in self.transmitters:
            return super().fetch(url, accept=accept)
        reply = self.replies.get(url)
        if isinstance(reply, str):
            raise OutboundFailed(reply)
        return Answer(200, "application/json", json.dumps(self.transmitters[url]).encode())


class Transmitter:
    """What an upstream pushes. By default it is right, and about Ada."""

    def __init__(self, app: Starlette, provider: FakeProvider) -> None:
        self.client = TestClient(app, base_url=HERE, follow_redirects=False)
        self.provider = provider
        self.count = 0

    def token(
        self,
        event_type: str = event_types.SESSION_REVOKED,
        event: Claims | None = None,
        *,
        header: Claims | None = None,
        key: Any = None,
        alg: str = "RS256",
        **changes: Any,
    ) -> str:
        self.count += 1
        usual = {
            "iss": ISSUER,
            "aud": CLIENT_ID,
            "iat": int(self.provider.clock.now.timestamp()),
            "jti": f"j{self.count}",
            "sub_id": ADA,
            "events": {event_type: event or {}},
        }
        claims = {name: value for name, value in {**usual, **changes}.items() if value is not ...}
        signed_by = key or self.provider.key
        head = {"alg": alg, "kid": signed_by.kid, "typ": "secevent+jwt", **(header or {})}
        kept = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(kept, claims, signed_by, algorithms=[alg])

    def push(self, token: str, path: str = PATH) -> httpx2.Response:
        headers = {"content-type": "application/secevent+jwt", "accept": "application/json"}
        answer: httpx2.Response = self.client.post(path, content=token, headers=headers)
        assert "set-cookie" not in answer.headers
        return answer

    def send(self, event_type: str = event_types.SESSION_REVOKED, event: Claims | None = None, **changes: Any) -> None:
        """Push a token that has to be taken."""
        answer = self.push(self.token(event_type, event, **changes))
        assert (answer.status_code, answer.content) == (202, b""), answer.text


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {"example": {**EXAMPLE, "receives_signals": True}}


@pytest.fixture
def provider(clock: Clock) -> FakeProvider:
    return TransmittingProvider(clock)


@pytest.fixture
def transmitter(app: Starlette, provider: FakeProvider) -> Transmitter:
    return Transmitter(app, provider)


@pytest.fixture
def inside(traveller: Traveller) -> Traveller:
    """Ada, who signed in with the session `s1` there, and whose account was created by that."""
    traveller.provider.claims["sid"] = "s1"
    traveller.sign_in()
    return traveller


Ends = Callable[[], list[str | None]]


@pytest.fixture
def ends(work: Work) -> Ends:
    """Why each of Ada's sessions ended, the oldest first."""

    def ends() -> list[str | None]:
        with work() as w:
            return [session.end_reason for session in find_all(w.read, find_user(work).id)]

    return ends


State = Callable[[], SignalState]


@pytest.fixture
def state(work: Work) -> State:
    def state() -> SignalState:
        with work() as w:
            return signal_states.find(w.read, "example")

    return state
