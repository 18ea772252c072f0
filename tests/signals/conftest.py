"""The world of shared signals: a receiver with a stream, pushed or polled, and a user that it knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.jose.json_objects import read_object
from provider.oauth.authorize.store import consents
from provider.oauth.authorize.store.consents import Consent
from provider.outbox import relay
from provider.ssf import push
from provider.work import Installation
from provider.worker.handlers import HANDLERS, POLICIES
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.foreign_server import ForeignServer, answer
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty, sign_in_person

ISSUER = "https://id.example.test"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
ALL = [
    *(
        CAEP + name
        for name in ("session-revoked", "credential-change", "assurance-level-change", "token-claims-change")
    ),
    *(RISC + name for name in ("account-disabled", "account-enabled", "account-purged", "identifier-changed")),
    RISC + "credential-compromise",
]


@pytest.fixture
def settings(database_url: str, outbound_settings: dict[str, Any]) -> Settings:
    return settings_for(database_url, **outbound_settings)


@dataclass
class Receiver:
    """A client that receives signals. `header` is sent with each request."""

    http: TestClient
    app: RelyingParty
    installation: Installation
    clock: Clock
    server: ForeignServer
    keys: Any = None
    stream: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    @property
    def client_id(self) -> str:
        return self.app.client.client_id

    def __call__(self, method: str, path: str, body: Any = None, token: str | None = None, **query: str) -> Any:
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        return self.http.request(method, path, json=body, params=query or None, headers=headers)

    def renew(self) -> None:
        self.token = self.app.client_credentials(scope="ssf.manage ssf.read").access_token

    def create(self, method: str = PUSH, **more: Any) -> dict[str, Any]:
        delivery = {"method": method}
        if method == PUSH:
            delivery |= {"endpoint_url": self.server.url("/events"), "authorization_header": "Bearer of-the-receiver"}
        made: httpx2.Response = self("POST", "/ssf/streams", {"delivery": delivery, "events_requested": ALL, **more})
        assert made.status_code == 201, made.text
        self.stream = made.json()
        return self.stream

    def run(self, *, seconds: float = 0) -> None:
        """Let the worker do all that is due, some time later."""
        self.clock.advance(seconds=seconds)
        push.enqueue_due(self.installation)
        while due := [row_id for row_id, _ in relay.find_due(self.installation)]:
            for row_id in due:
                relay.deliver(self.installation, row_id, HANDLERS, POLICIES)

    def verify(self, state: str | None = None) -> httpx2.Response:
        body = {"stream_id": self.stream["stream_id"]} | ({} if state is None else {"state": state})
        answered: httpx2.Response = self("POST", "/ssf/verify", body)
        return answered

    def set_status(self, status: str) -> httpx2.Response:
        answered: httpx2.Response = self(
            "POST", "/ssf/status", {"stream_id": self.stream["stream_id"], "status": status}
        )
        return answered

    def poll(self, **asked: Any) -> httpx2.Response:
        path = self.stream["delivery"]["endpoint_url"].removeprefix(ISSUER)
        answered: httpx2.Response = self("POST", path, {"returnImmediately": True} | asked)
        return answered

    def take(self) -> list[dict[str, Any]]:
        """Poll, and acknowledge everything. Returns the claims in order."""
        sets = self.poll().json()["sets"]
        self.poll(maxEvents=0, ack=list(sets))
        return [self.read(token) for token in sets.values()]

    @property
    def pushed(self) -> list[dict[str, Any]]:
        """The claims of what was pushed, in order."""
        return [self.read(request.body.decode()) for request in self.server.requests]

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token, verified as section 4.1 of the framework requires."""
        keys = KeySet.import_key_set(self.http.get("/oauth2/jwks").json())
        read = jws.deserialize_compact(token, keys, algorithms=["RS256"])
        assert read.headers()["typ"] == "secevent+jwt"
        claims = read_object(read.payload)
        assert (claims["iss"], claims["aud"]) == (ISSUER, self.client_id)
        assert not claims.keys() & {"sub", "exp", "nbf"}
        assert {"jti", "iat", "txn", "sub_id", "events"} <= claims.keys()
        assert len(claims["events"]) == 1
        return claims


@pytest.fixture
def receive(
    work: Work, client: TestClient, installation: Installation, clock: Clock, foreign_server: ForeignServer
) -> Callable[..., Receiver]:
    """`receive(scope="openid email ssf.manage ssf.read")`: a receiver without a stream."""
    foreign_server.behaviour = answer(b"", status="202 Accepted")

    def make(**metadata: Any) -> Receiver:
        given = {
            "grant_types": ("authorization_code", "refresh_token", "client_credentials"),
            "scope": "openid email roles groups profile ssf.manage ssf.read",
            **metadata,
        }
        with work() as w:
            registered, secret = make_client(w, **given)
        made = Receiver(client, RelyingParty(client, registered, secret), installation, clock, foreign_server)
        if "ssf" in str(given["scope"]):
            made.renew()
        return made

    return make


@pytest.fixture
def receiver(receive: Callable[..., Receiver]) -> Receiver:
    return receive()


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w, "ada@example.test", given_name="Ada")


def kinds(claims: list[dict[str, Any]]) -> list[str]:
    """The short names of the events."""
    return [next(iter(each["events"])).rpartition("/")[2] for each in claims]


Meet = Callable[..., TestClient]


@pytest.fixture
def meet(work: Work, app: Starlette, installation: Installation) -> Meet:
    """`meet(receiver, ada)`: the user signs in to the receiver's app, and so becomes known. The browser."""

    def sign_in(receiver: Receiver, user_id: str, scope: str = "openid email roles") -> TestClient:
        browser = TestClient(app, base_url=ISSUER, follow_redirects=False)
        sign_in_person(browser, installation, user_id)
        with work() as w:
            allowed = Consent(user_id, receiver.client_id, scope.split(), [], w.now, [])
            consents.put(w.db, allowed)
        assert receiver.app.sign_in(browser, scope=scope).status == 200
        return browser

    return sign_in
