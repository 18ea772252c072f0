"""The tests of the API: `pip install fastapi httpx2 pyjwt[crypto] pytest-signet`, then `pytest`."""

from typing import Any

import pytest
from app import create_app
from fastapi.testclient import TestClient
from signet_testing import Signet

AUDIENCE = "https://api.example"


@pytest.fixture
def api(signet: Signet) -> TestClient:
    return TestClient(create_app(signet.issuer, AUDIENCE))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_token_with_the_scope_is_accepted(signet: Signet, api: TestClient) -> None:
    ada = signet.user()
    token = signet.token(ada, scope="orders:read", audience=AUDIENCE)
    assert api.get("/orders", headers=bearer(token)).json() == {"orders_of": ada.sub}


def test_a_token_without_the_scope_is_not_enough(signet: Signet, api: TestClient) -> None:
    assert api.get("/orders", headers=bearer(signet.token(scope="openid", audience=AUDIENCE))).status_code == 403
    token = signet.token(scope="orders:read", audience=AUDIENCE, acr="aal2")
    assert api.delete("/orders", headers=bearer(token)).status_code == 403


def test_deleting_needs_a_second_factor(signet: Signet, api: TestClient) -> None:
    for acr, status in {"aal1": 401, "aal2": 200}.items():
        token = signet.token(scope="orders:write", audience=AUDIENCE, acr=acr)
        assert api.delete("/orders", headers=bearer(token)).status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"expired": True},
        {"not_yet_valid": True},
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"foreign_key": True},
        {"unsigned": True},
        {"header": {"typ": "JWT"}},  # an ID token
        {"claims": {"cnf": {"jkt": "of-a-key"}}},  # stolen from an app with DPoP
    ],
    ids=str,
)
def test_a_wrong_token_is_rejected(signet: Signet, api: TestClient, wrong: dict[str, Any]) -> None:
    token = signet.token(scope="orders:read orders:write", audience=AUDIENCE, acr="aal2", **wrong)
    for method in ("GET", "DELETE"):
        assert api.request(method, "/orders", headers=bearer(token)).status_code == 401


def test_a_token_of_a_new_key_is_accepted(signet: Signet, api: TestClient) -> None:
    for _ in range(2):
        token = signet.token(scope="orders:read", audience=AUDIENCE)
        assert api.get("/orders", headers=bearer(token)).status_code == 200
        signet.rotate_keys()


def test_an_outage_of_the_provider_is_no_verdict(signet: Signet, api: TestClient) -> None:
    signet.faults.fail("jwks")
    token = signet.token(scope="orders:read", audience=AUDIENCE)
    assert api.get("/orders", headers=bearer(token)).status_code == 503
