"""Two installations, of which one is the upstream of the other."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.app import create_app
from provider.config.settings import Settings
from provider.installation import open_installation
from provider.outbound.answers import Answer, OutboundFailed
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from tests.federation.conftest import EXAMPLE
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.installation import settings_for
from tests.support.people import ADDRESS

UPSTREAM = "https://upstream.example.test"
CALLBACK = "https://id.example.test/login/upstream/signet/callback"


SIGNED_OUT = "https://id.example.test/login/upstream/signet/signed-out"
LOGOUT = "https://id.example.test/login/upstream/signet/backchannel-logout"


class Wire:
    """Every request goes to the one app that is there."""

    def __init__(self, app: Starlette, base: str = UPSTREAM) -> None:
        self.client = TestClient(app, base_url=base, follow_redirects=False)
        self.is_down = False
        self.forms: list[Mapping[str, str]] = []
        """What was delivered."""

    def fetch(self, url: str, *, accept: Collection[str]) -> Answer:
        if self.is_down:
            raise OutboundFailed("it is down")
        return self._answer(self.client.get(url, headers={"accept": ", ".join(accept)}))

    def post_form(self, url: str, form: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> Answer:
        return self._answer(self.client.post(url, data=dict(form), headers=dict(headers or {})))

    def deliver(self, url: str, form: Mapping[str, str]) -> Answer:
        self.forms.append(form)
        response = self.client.post(url, data=dict(form))
        return Answer(response.status_code, response.headers.get("content-type", ""), response.content)

    def _answer(self, response: Any) -> Answer:
        return Answer(response.status_code, response.headers["content-type"].partition(";")[0], response.content)


@pytest.fixture
def upstream(tmp_path: Path, sqlite_template: Path, clock: Clock) -> Iterator[Installation]:
    """The other installation."""
    settings = settings_for(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'upstream.db')}", issuer=UPSTREAM)
    installation = open_installation(settings, clock=clock, counter=LimitCounter())
    yield installation
    installation.database.close()


@pytest.fixture
def upstream_app(upstream: Installation) -> Iterator[Starlette]:
    app = create_app(upstream)
    yield app
    app.state.threads.close()


@pytest.fixture
def configured(upstream: Installation) -> dict[str, dict[str, Any]]:
    with unit_of_work(upstream) as work:
        client, secret = make_client(
            work,
            redirect_uris=(CALLBACK,),
            scope="openid email profile",
            first_party=True,
            client_name="The other one",
            post_logout_redirect_uris=(SIGNED_OUT,),
            backchannel_logout_uri=LOGOUT,
        )
        make_user(work, name="Ada Lovelace")
    return {
        "signet": {
            **EXAMPLE,
            "name": "Other Signet",
            "issuer": UPSTREAM,
            "client_id": client.client_id,
            "client_secret": secret,
            "signs_out_there": True,
        }
    }


@pytest.fixture
def wire(upstream_app: Starlette) -> Wire:
    return Wire(upstream_app)


@pytest.fixture
def installation(settings: Settings, clock: Clock, wire: Wire) -> Iterator[Installation]:
    installation = open_installation(settings, clock=clock, counter=LimitCounter(), outbound=wire)
    yield installation
    installation.database.close()


Go = Callable[..., Page]


@pytest.fixture
def there(upstream_app: Starlette) -> Browser:
    """The same browser, at the other one."""
    return Browser(upstream_app, UPSTREAM)


@pytest.fixture
def go(browser: Browser, there: Browser) -> Go:
    """From a page of ours to the other one, where somebody signs in, and back."""

    def go(start: str = "/login", *, signs_in: bool = True) -> Page:
        page = browser.open(start)
        page = browser.submit(button="Sign in with Other Signet")
        there.open(page.links["Continue to Other Signet"])
        if signs_in:
            there.submit({"username": ADDRESS, "password": PASSWORD})
        assert there.left_to is not None, there.page
        return browser.open(there.left_to)

    return go
