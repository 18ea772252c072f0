"""The world of the account API: an app of the installation's own, Ada's tokens, and JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.work import Installation
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, code_of
from tests.support.relying_party import RelyingParty, basic, challenge_of

API = "/api/account"
CHALLENGE = "/oauth2/authorize-challenge"
VERIFIER = "v" * 43
SCOPE = "openid profile email offline_access account"


def problem(response: httpx2.Response) -> str:
    """The last part of the `type`, after a look at the rest of it (RFC 9457)."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["instance"] == response.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    kind: str = body["type"]
    assert kind.startswith("urn:signet:problem:")
    return kind.removeprefix("urn:signet:problem:")


@dataclass
class App:
    """A first-party app: it asks for the password itself, and calls the account API as itself or for a person."""

    http: TestClient
    rp: RelyingParty

    def challenge(self, **form: str | None) -> httpx2.Response:
        """One step at the authorization challenge endpoint."""
        given: dict[str, str | None] = form
        if "auth_session" not in form:
            pkce = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
            given = {"scope": SCOPE, "username": ADDRESS, "password": PASSWORD, **pkce, **form}
        return self.rp.post(CHALLENGE, **given)

    def redeem(self, answer: httpx2.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        code = answer.json()["authorization_code"]
        response = self.rp.post("/oauth2/token", grant_type="authorization_code", code=code, code_verifier=VERIFIER)
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    def sign_in(self, *, otp: str | None = None, **form: str | None) -> "Caller":
        answer = self.challenge(**form)
        if otp is not None:
            answer = self.challenge(auth_session=answer.json()["auth_session"], otp=otp)
        return Caller(self.http, self.redeem(answer)["access_token"])

    def call(self, path: str, **body: Any) -> httpx2.Response:
        """As the app itself."""
        assert self.rp.secret is not None
        return self.http.post(
            API + path, json=body, headers={"authorization": basic(self.rp.client_id, self.rp.secret)}
        )


@dataclass
class Caller:
    """Somebody's access token at work."""

    http: TestClient
    token: str

    def __call__(self, method: str, path: str, **body: Any) -> httpx2.Response:
        return self.http.request(
            method, API + path, json=body or None, headers={"authorization": f"Bearer {self.token}"}
        )

    def get(self, path: str) -> Any:
        response = self("GET", path)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Tokens outlive the confirm-password window, so that it is the window that closes."""
    return settings_for(database_url, access_token_lifetime="1h")


@pytest.fixture
def register_app(work: Work, client: TestClient) -> Callable[..., App]:
    def make(*, public: bool = False, **changes: Any) -> App:
        given = {"first_party": True, "authorization_challenge": True, "scope": SCOPE + " roles", **changes}
        with work() as w:
            registered, secret = make_client(w, public=public, **given)
        return App(client, RelyingParty(client, registered, secret))

    return make


@pytest.fixture
def app_of_ours(register_app: Callable[..., App]) -> App:
    return register_app()


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w, ADDRESS, name="Ada Lovelace")


@pytest.fixture
def as_ada(app_of_ours: App, ada: str) -> Caller:
    """Ada signed in with her password a moment ago."""
    return app_of_ours.sign_in()


@pytest.fixture
def unlimited(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit per network or mailbox. What is counted per account stays."""
    monkeypatch.setattr(installation.counter, "hit", lambda _limit, _key: None)
    monkeypatch.setattr(installation.counter, "look", lambda _limit, _key: None)


def turn_on_two_factor(caller: Caller, clock: Clock) -> tuple[str, list[str]]:
    """The key and the recovery codes. Uses the code of now."""
    begun = caller("POST", "/two-factor")
    assert begun.status_code == 201, begun.text
    key = begun.json()["key"]
    confirmed = caller("POST", "/two-factor/confirm", code=code_of(key, clock.now))
    assert confirmed.status_code == 200, confirmed.text
    return key, confirmed.json()["codes"]
