"""The sample clients, run against an issuer that is only a discovery document and a key set."""

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.resources import CLIENTS


def sample(name: str) -> Any:
    """A module of clients/, found as whoever runs the samples finds it."""
    if str(CLIENTS) not in sys.path:
        sys.path.append(str(CLIENTS))
    return importlib.import_module(name)


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)


@dataclass
class Issuer:
    """Publishes keys, signs what it is told to, and counts how often its keys are asked for."""

    url: str = ""
    keys: list[ECKey] = field(default_factory=lambda: [new_key()])
    jwks_fetched: int = 0
    down: bool = False

    def sign(self, *, key: ECKey | None = None, typ: str = "at+jwt", header: Any = None, **changes: Any) -> str:
        key = key or self.keys[-1]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.url,
            "sub": "0198-ada",
            "client_id": "quill",
            "iat": now,
            "exp": now + 60,
            "jti": "one",
            "scope": "openid profile",
            "acr": "aal1",
            "auth_time": now,
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        protected = {"alg": "ES256", "typ": typ, "kid": key.kid, **(header or {})}
        return jwt.encode(protected, claims, key, algorithms=["ES256"])

    def app(self) -> Starlette:
        def metadata(_request: Request) -> Response:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}, 500 if self.down else 200)

        def keys(_request: Request) -> Response:
            self.jwks_fetched += 1
            return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

        return Starlette(routes=[Route("/.well-known/openid-configuration", metadata), Route("/keys", keys)])


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    config = uvicorn.Config(issuer.app(), host="127.0.0.1", port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    sock = config.bind_socket()
    issuer.url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield issuer
    server.should_exit = True
    thread.join()
    sock.close()


@pytest.fixture
def api(issuer: Issuer) -> Iterator[TestClient]:
    app = sample("resource_server.app").create_app(issuer.url, issuer.url)
    with TestClient(app) as client:
        yield client


Call = Callable[[str, str], Any]


@pytest.fixture
def call(api: TestClient) -> Call:
    """`call("/hello", token)`."""
    return lambda path, token: api.get(path, headers={"authorization": f"Bearer {token}"})
