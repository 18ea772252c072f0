"""The world of the admin API: a program of the operator's, and Ada."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.conftest import Work
from tests.factories import make_client, make_user
from tests.people import ADDRESS
from tests.relying_party import RelyingParty

API = "/api/admin"


@dataclass
class Program:
    """An access token for the admin API at work."""

    http: TestClient
    token: str

    def __call__(self, method: str, path: str, *, key: Any = None, seen: Any = None, **body: Any) -> httpx2.Response:
        """`key` is an Idempotency-Key, `seen` an If-Match."""
        given = {"authorization": f"Bearer {self.token}", "idempotency-key": key, "if-match": seen}
        headers = {name: value for name, value in given.items() if value is not None}
        return self.http.request(method, API + path, json=body or None, headers=headers)

    def get(self, path: str) -> Any:
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def program(work: Work, client: TestClient, scope: str) -> Program:
    with work() as w:
        registered, secret = make_client(w, redirect_uris=(), grant_types=("client_credentials",), scope=scope)
    tokens = RelyingParty(client, registered, secret).client_credentials()
    return Program(client, tokens.access_token)


@pytest.fixture
def operator(work: Work, client: TestClient) -> Program:
    return program(work, client, "admin:write")


@pytest.fixture
def reader(work: Work, client: TestClient) -> Program:
    return program(work, client, "admin:read")


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w, ADDRESS, name="Ada Lovelace")
