"""The guide shows code that works, and tables that name everything."""

import re
from configparser import ConfigParser
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from signet_testing.control import OPERATIONS
from signet_testing.early import Early
from signet_testing.faults import KINDS, NAMES
from signet_testing.records import Client
from signet_testing.requests import Requests
from signet_testing.signet import Signet

from tests.kit.conftest import App
from tests.support.server_process import REPOSITORY

GUIDE = (REPOSITORY / "docs/guides/test-your-app.md").read_text("utf-8")
PYTHON = re.findall(r"```python[^\n]*\n(.*?)```", GUIDE, re.DOTALL)


class Api:
    """The API of the guide: it checks the signature, the audience and the expiry, and knows one scope."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer, self._audience = issuer, audience

    def get(self, _path: str, token: str) -> Any:
        keys = KeySet.import_key_set(httpx2.get(f"{self._issuer}/oauth2/jwks").json())
        rules = jwt.JWTClaimsRegistry(iss={"value": self._issuer}, aud={"value": self._audience})
        try:
            claims = jwt.decode(token, keys).claims
            rules.validate(claims)
        except JoseError:
            return type("Answer", (), {"status": 401})
        return type("Answer", (), {"status": 200 if "orders:read" in claims["scope"] else 403})


def test_the_tests_of_an_api_pass(signet: Signet) -> None:
    shown = re.search(r'```python title="test_api.py"\n(.*?)```', GUIDE, re.DOTALL)
    assert shown is not None
    project: dict[str, Any] = {"create_api": Api}
    exec(shown[1], project)
    tests = [test for name, test in project.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test(signet)


class WebApp:
    """The app of the guide, with the responses of Flask's test client. It believes signed logout tokens only."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None) -> None:
        client = Client(client_id, client_secret, ("http://localhost/callback",), issuer)
        self._app, self._user, self._issuer = App(CURRENT["signet"], client), None, issuer

    def test_client(self) -> Any:
        return self

    def get(self, path: str) -> Any:
        if path == "/sign-in":
            return SimpleNamespace(location=self._app.begin(scope="openid profile"))
        if path.startswith("/callback?"):
            token = self._app.redeem(httpx2.URL(path).params["code"]).json()["access_token"]
            self._user = self._app.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {token}"}).json()
        return SimpleNamespace(text=f"Hello, {self._user['name']}" if self._user else "Welcome")

    def post(self, path: str, data: dict[str, str]) -> None:
        assert path == "/backchannel-logout"
        keys = KeySet.import_key_set(self._app.http.get("/oauth2/jwks").json())
        assert self._user is not None
        if jwt.decode(data["logout_token"], keys).claims["sub"] == self._user["sub"]:
            self._user = None


CURRENT: dict[str, Signet] = {}


@pytest.mark.parametrize("name", ["test_a_user_signs_in", "test_a_sign_out_elsewhere_ends_the_session"])
def test_the_tests_of_an_app_pass(signet: Signet, name: str) -> None:
    shown = next(text for text in PYTHON if f"def {name}(signet" in text and "page" not in text)
    CURRENT["signet"] = signet
    project: dict[str, Any] = {"create_app": WebApp, "pytest": SimpleNamespace(fixture=lambda function: function)}
    exec(shown, project)
    project[name](signet, project["app"](signet)) if "app" in project else project[name](signet)


def test_the_configuration_of_an_app_that_reads_it_early_is_taken() -> None:
    shown = re.search(r'```ini title="pytest.ini"\n(.*?)```', GUIDE, re.DOTALL)
    assert shown is not None
    given = ConfigParser(interpolation=None)
    given.read_string(shown[1])
    pairs = {
        name: dict(line.split("=", 1) for line in text.split("\n") if line) for name, text in given["pytest"].items()
    }
    metadata = {**pairs["signet_client"], "require_pkce": pairs["signet_client"]["require_pkce"] == "true"}
    early = Early(0, pairs["signet_settings"], metadata)
    try:
        signet, client = early.start()
        assert (signet.issuer, client.client_id, client.client_secret) == (
            early.issuer,
            early.client_id,
            early.client_secret,
        )
        assert signet._installation.settings.access_token_lifetime == timedelta(minutes=2)
        assert set(pairs["signet_env"].values()) == {"{issuer}", "{client_id}", "{client_secret}"}
    finally:
        early.close()


def test_python_examples_compile() -> None:
    for text in PYTHON:
        compile(text, "the guide", "exec")


@pytest.mark.parametrize(
    "names",
    [
        {f"`{method} {path}`" for method, path in OPERATIONS},
        {f"`{name}`" for name in NAMES},
        {f"`{name}(" for name in vars(Requests) if name.startswith("assert_")},
        {f"signet.faults.{name}(" for name in KINDS if name not in {"access_token", "hide_keys"}},
    ],
    ids=["operations", "endpoints", "assertions", "faults"],
)
def test_the_tables_name_everything(names: set[str]) -> None:
    assert names
    assert {name for name in names if name not in GUIDE} == set()
