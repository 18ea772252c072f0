"""The kit as its users have it: the fixtures of the plugin, and an app that signs users in by hand."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from signet_testing.plugin import signet, signet_settings
from signet_testing.records import Client, User
from signet_testing.signet import Signet

from tests.support.relying_party import challenge_of

__all__ = ["signet", "signet_settings"]


@pytest.fixture(scope="module")
def signet_server() -> Iterator[Signet]:
    """The plugin's for one module, so that it replaces the log of this suite no longer than that."""
    with Signet() as server:
        yield server


@dataclass
class App:
    """An app that speaks OpenID Connect with Signet in process."""

    signet: Signet
    client: Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def __post_init__(self) -> None:
        self.http = httpx2.Client(transport=self.signet.transport(), base_url=self.signet.issuer)

    def begin(self, **changes: str) -> str:
        """The URL that it redirects a user to."""
        asked = {
            "scope": "openid email offline_access",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return self.signet.authorization_url(self.client, **{name: value for name, value in asked.items() if value})

    def redeem(self, code: str | None, **changes: str) -> httpx2.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code or "",
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.post("/oauth2/token", {name: value for name, value in given.items() if value})

    def post(self, path: str, form: dict[str, str]) -> httpx2.Response:
        return self.http.post(path, data=form, auth=(self.client.client_id, self.client.client_secret or ""))

    def sign_in(self, user: User) -> dict[str, Any]:
        """The token response of a whole sign-in."""
        answer = self.redeem(self.signet.sign_in(self.begin(), user).code)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def app(signet: Signet) -> App:
    return App(signet, signet.client())
