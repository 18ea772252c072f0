"""The snippets of the console, copied from its pages and run as they are, against the demo."""

import html
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest

from provider.demo.secrets import EMAIL, OPERATOR
from tests.support.demo_process import Demo, Visitor, running_demo
from tests.support.server_process import free_port
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


class Registered:
    """A client that an operator registered at the console, and the snippets of its page."""

    def __init__(self, shown_once: Mapping[str, str], page: str) -> None:
        self.client_id = shown_once.get("client_id", "")
        self.secret = shown_once.get("client_secret", "")
        self.environ = {**os.environ, "CLIENT_SECRET": self.secret, "SESSION_SECRET": "of a test"}
        found = re.findall(r'<code id="snippet-(.*?)">(.*?)</code>', page, re.DOTALL)
        self.snippets = {name: html.unescape(text) for name, text in found}

    def run_in_shell(self, name: str, **environ: str) -> dict[str, Any]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.snippets[name]],
            env=self.environ | environ, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("snippets") / "demo") as demo:
        yield demo


@pytest.fixture(scope="module")
def console(demo: Demo) -> Iterator[Visitor]:
    """The operator's browser, signed in with two factors."""
    visitor = Visitor()
    visitor.open(f"{demo.provider}/admin")
    page = visitor.submit({"Email address": OPERATOR, "Password": demo.secrets["password"]})
    assert "The console requires two-factor authentication." in page.text
    page = visitor.submit(button="Turn on two-factor authentication")
    key = "".join(page.html.split('id="key">')[1].split("<")[0].split())
    visitor.submit({"Code": pyotp.TOTP(key).now()}, button="Turn on")
    yield visitor
    visitor.client.close()


def register(demo: Demo, console: Visitor, preset: str, **members: str) -> Registered:
    console.open(f"{demo.provider}/admin/clients/new?preset={preset}")
    page = console.submit(members)
    shown_once = dict(re.findall(r"<dt><code>(client_\w+)</code></dt><dd><div[^>]*><code[^>]*>(.*?)</code>", page.html))
    if shown_once:
        page = console.open(f"{demo.provider}/admin/clients/client?client_id={shown_once['client_id']}")
    return Registered(shown_once, page.html)


@contextmanager
def running(command: list[str], folder: Path, environ: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(command, cwd=folder, env=environ, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    return True


def sign_in(demo: Demo, app: str) -> dict[str, Any]:
    """Sign the ready account in at an app, and return what the app answers."""
    visitor = Visitor()
    visitor.open(app)
    visitor.submit({"Email address": EMAIL, "Password": demo.secrets["password"]})
    page = visitor.submit(button="Allow")
    visitor.client.close()
    learned: dict[str, Any] = json.loads(page.html)
    return learned


@pytest.mark.parametrize(("name", "file"), [("authlib", "app.py"), ("openid-client", "app.mjs")])
def test_a_web_app_learns_who_signed_in(
    name: str, file: str, demo: Demo, console: Visitor, node: str, openid_client: Path, tmp_path: Path
) -> None:
    port = free_port()
    app = f"http://127.0.0.1:{port}"
    client = register(demo, console, "web", client_name=name, redirect_uris=f"{app}/callback")
    (tmp_path / "node_modules").symlink_to(openid_client / "node_modules")
    (tmp_path / file).write_text(client.snippets[name])
    python = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    with running(python if name == "authlib" else [node, file], tmp_path, client.environ) as process:
        wait_until(lambda: accepts_connections(port), of=process)
        learned = sign_in(demo, f"{app}/")
    assert (learned["name"], learned["email"]) == ("Ada Lovelace", EMAIL)


def test_a_service_gets_a_token_that_an_api_verifies(
    demo: Demo, console: Visitor, node: str, openid_client: Path, tmp_path: Path
) -> None:
    service = register(demo, console, "service", client_name="Nightly", scope="reports:read")
    assert service.run_in_shell("curl")["scope"] == "reports:read"
    api = register(demo, console, "api", client_name="Reports", resource_identifiers="https://api.example.com/reports")
    form = {"grant_type": "client_credentials", "resource": "https://api.example.com/reports"}
    answer = httpx2.post(f"{demo.provider}/oauth2/token", data=form, auth=(service.client_id, service.secret))
    token = answer.json()["access_token"]
    assert api.run_in_shell("introspection", ACCESS_TOKEN=token)["active"] is True
    (tmp_path / "node_modules").symlink_to(openid_client / "node_modules")
    (tmp_path / "verify.mjs").write_text(api.snippets["jose"])
    done = subprocess.run(
        [node, "verify.mjs"],
        cwd=tmp_path, env=os.environ | {"ACCESS_TOKEN": token}, capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert service.client_id in done.stdout, done.stderr


def test_a_device_asks_for_a_code_and_for_a_token(demo: Demo, console: Visitor) -> None:
    device = register(demo, console, "device", client_name="TV", scope="openid profile")
    device_code = device.run_in_shell("curl")["device_code"]
    assert device.run_in_shell("curl-token", DEVICE_CODE=device_code)["error"] == "authorization_pending"
