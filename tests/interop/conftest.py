"""A served provider, and relying apps made of the certified npm `openid-client`, run by node."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provider.installation import open_installation
from provider.oauth.clients.clients import Client
from provider.work import Installation, unit_of_work
from tests.support.chromium import Person
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.npm import installed
from tests.support.server_process import free_port, serving
from tests.support.services import unavailable

HERE = Path(__file__).parent
EMAIL = "ada@example.test"


@dataclass(frozen=True)
class Served:
    """`signet serve` on loopback."""

    issuer: str
    installation: Installation

    def register(self, base_url: str, *, auth_method: str, **metadata: Any) -> tuple[Client, str | None]:
        with unit_of_work(self.installation) as work:
            return make_client(
                work,
                redirect_uris=(f"{base_url}/callback",),
                post_logout_redirect_uris=(f"{base_url}/signed-out",),
                token_endpoint_auth_method=auth_method,
                **{"scope": "openid profile email offline_access", **metadata},
            )


@contextmanager
def serve(folder: Path, template: Path, *, issuer: str, port: int, **more: str) -> Iterator[Served]:
    """Serve an issuer on this port of loopback, with Ada's account. `more` are further settings."""
    database = f"sqlite:///{shutil.copy(template, folder / 'signet.db')}"
    installation = open_installation(settings_for(database, issuer=issuer))
    with unit_of_work(installation) as work:
        make_user(work, EMAIL, name="Ada Lovelace", given_name="Ada", family_name="Lovelace")
    settings = {"SIGNET_ISSUER": issuer, "SIGNET_DATABASE_URL": database, "SIGNET_SECRET_KEY": SECRET_KEY}
    settings |= {"SIGNET_BCRYPT_COST": "4", "SIGNET_ENV": "test"} | more
    with serving(settings, "--drain", "0", port=port):
        yield Served(issuer, installation)
    installation.database.close()


@pytest.fixture(scope="session")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    port = free_port()
    folder = tmp_path_factory.mktemp("interop")
    with serve(folder, sqlite_template, issuer=f"http://127.0.0.1:{port}", port=port) as served:
        yield served


@pytest.fixture(scope="session")
def node() -> str:
    return shutil.which("node") or unavailable("node", "no node on PATH")


@pytest.fixture(scope="session")
def openid_client(node: str) -> Path:
    """The folder where the pinned openid-client is installed, beside the apps that use it."""
    folder = installed("openid-client", HERE).parents[1]
    for app in HERE.glob("*.mjs"):
        shutil.copy(app, folder)
    return folder


def sign_in_at(app: "RelyingApp", person: Person) -> None:
    """Follow an app to the provider, sign in, allow it, and come back."""
    person.open(app.listen()["open"])
    allow_access(person, EMAIL, PASSWORD)
    person.expect_heading("Back at the app")


def allow_access(person: Person, email: str, password: str, *, app: str = "Example app") -> None:
    """Sign in at the provider, and allow the app what it asks for."""
    person.fill("Email address", email)
    person.fill("Password", password)
    person.press("Sign in")
    person.expect_heading(f"{app} wants to access your account")
    person.press("Allow")


class RelyingApp:
    """The app as a process; it says one JSON line at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def listen(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.error
        said: dict[str, Any] = json.loads(line)
        return said

    @property
    def error(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()


StartApp = Callable[..., RelyingApp]


@pytest.fixture
def start_app(served: Served, openid_client: Path, node: str) -> Iterator[StartApp]:
    """`start_app("client_secret_basic", id_token_signed_response_alg="ES256")`: registered as such, and running."""
    apps = []

    def start(
        auth_method: str,
        *,
        app: str = "sign_in",
        own_key: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
        **metadata: Any,
    ) -> RelyingApp:
        base_url = f"http://127.0.0.1:{free_port()}"
        client, secret = served.register(base_url, auth_method=auth_method, **metadata)
        told = {
            "issuer": served.issuer,
            "client_id": client.client_id,
            "client_secret": secret,
            "auth_method": auth_method,
            "base_url": base_url,
            "metadata": metadata,
            "own_key": own_key,
            **(more or {}),
        }
        command = [node, str(openid_client / f"{app}.mjs"), json.dumps(told)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        apps.append(process)
        return RelyingApp(process)

    yield start
    for process in apps:
        process.kill()
        process.communicate()
