"""The world of the admin API: a program of the operator's, and Ada."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.audit import store as audit
from provider.web.routing import flattened
from provider.work import Installation
from tests.admin.needs import Call
from tests.support.browser import Browser, Form, Page
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS, RelyingParty, sign_in_person

API = "/api/admin"
BOTH = "admin:read admin:write"


@dataclass
class Program:
    """An access token for the admin API at work."""

    http: TestClient
    token: str

    def __call__(
        self,
        method: str,
        path: str,
        *,
        key: Any = None,
        seen: Any = None,
        json: Any = None,
        **body: Any,
    ) -> httpx2.Response:
        """`key` is an Idempotency-Key, `seen` an If-Match. `json` are members that have the name of an argument."""
        body |= json or {}
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


def action_form(page: Page) -> Form:
    """The form of the page itself: those around it search, and choose the language."""
    return next(form for form in page.forms if form.action not in {"/admin/search", "/language"})


def calls(app: Starlette, below: str) -> Iterator[Call]:
    """Each method and path of the addresses that begin so."""
    for route in flattened(app.routes):
        assert isinstance(route, Route), "an address that this cannot look at"
        if route.path.startswith(below):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, route.path


def filled(path: str) -> str:
    """Of a thing that is not there."""
    return re.sub(r"{\w+(:\w+)?}", "x", path)


def person_token(
    client: TestClient, work: Work, installation: Installation, *, roles: tuple[str, ...], amr: str, scope: str
) -> str:
    with work() as w:
        user_id = make_user(w, f"{len(roles)}{len(amr)}{len(scope)}@example.test", roles=roles)
        registered, secret = make_client(w, scope=f"openid {scope}", first_party=True)
    sign_in_person(client, installation, user_id, amr=amr)
    return RelyingParty(client, registered, secret).sign_in(client, scope=f"openid {scope}").access_token


def with_token(client: TestClient, call: Call, token: str) -> httpx2.Response:
    return client.request(*call, headers={"authorization": f"Bearer {token}"} if token else {})


@dataclass
class Console:
    """An operator at the console, with two factors shown a moment ago."""

    browser: Browser
    user_id: str

    def open(self, path: str) -> Page:
        return self.browser.open(f"/admin{path}")

    def act(self, path: str, why: str = "", **typed: str) -> Page:
        """Open the page of an action, which says what it does, and submit its form."""
        asked = self.open(path)
        assert asked.status == 200, asked
        assert asked.path == f"/admin{path}".partition("?")[0], asked
        return self.browser.submit({**typed, "why": why}, action=action_form(asked).action)


@pytest.fixture
def console(browser: Browser, installation: Installation, work: Work) -> Console:
    with work() as w:
        user_id = make_user(w, "operator@example.test", roles=("admin",))
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    return Console(browser, user_id)


def events(work: Work, name: str) -> list[dict[str, Any]]:
    """The details of these audit events, the latest first."""
    with work() as w:
        return [event.details for event in audit.find(w.read, limit=1000) if event.name == name]


@pytest.fixture
def phone(new_browser: Callable[[], Browser]) -> Browser:
    """Somebody else's."""
    return new_browser()
