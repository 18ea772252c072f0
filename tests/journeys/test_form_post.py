"""An answer posted to the app by a page of ours, in a real browser, with JavaScript and without."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from provider.config.environment import load_settings
from provider.installation import open_installation
from provider.work import unit_of_work
from tests.journeys.conftest import Account, Steps
from tests.support.chromium import Person
from tests.support.demo_process import Demo
from tests.support.effort import SCRIPTS, named_scripts
from tests.support.factories import make_client
from tests.support.relying_party import challenge_of

pytestmark = pytest.mark.browser

STATE = "<b>&\"' + % ;"


@dataclass
class App:
    """An application that wants its answers posted, and shows what it got."""

    url: str = ""
    client_id: str = ""
    got: list[dict[str, str]] = field(default_factory=list)

    def request(self, demo: Demo, **changes: str) -> str:
        """The URL of an authorization request."""
        parameters = {
            "response_type": "code",
            "response_mode": "form_post",
            "client_id": self.client_id,
            "redirect_uri": f"{self.url}/callback",
            "scope": "openid",
            "state": STATE,
            "code_challenge": challenge_of("x" * 43),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{demo.provider}/oauth2/authorize?{urlencode(parameters)}"

    async def callback(self, request: Request) -> Response:
        posted: dict[str, Any] = dict(await request.form())
        self.got.append(posted)
        rows = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in posted.items())
        return HTMLResponse(f"<title>App</title><main><h1>Posted</h1><table id=posted>{rows}</table></main>")


@pytest.fixture
def app(demo: Demo) -> Iterator[App]:
    app = App()
    site = Starlette(routes=[Route("/callback", app.callback, methods=["POST"])])
    config = uvicorn.Config(site, host="127.0.0.1", port=0, lifespan="off", log_level="error")
    server, sock = uvicorn.Server(config), config.bind_socket()
    app.url = f"http://localhost:{sock.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    database = f"sqlite:///{demo.folder.resolve() / 'signet.db'}"
    installation = open_installation(load_settings({"SIGNET_ISSUER": demo.provider, "SIGNET_DATABASE_URL": database}))
    with unit_of_work(installation) as work:
        client, _ = make_client(work, client_name="Post office", redirect_uris=(f"{app.url}/callback",))
    installation.database.close()
    app.client_id = client.client_id
    yield app
    server.should_exit = True
    thread.join()
    sock.close()


def expect_posted(person: Person, *, scripts: bool) -> dict[str, str]:
    if not scripts:
        person.expect_heading("Back to Post office")
        person.press("Continue")
    person.expect_heading("Posted")
    return person.facts("posted")


@pytest.mark.parametrize("scripts", SCRIPTS, ids=named_scripts)
def test_a_code_is_posted_to_the_app(
    new_person: Any, app: App, account: Account, demo: Demo, steps: Steps, *, scripts: bool
) -> None:
    """OAuth 2.0 Form Post Response Mode section 2."""
    person: Person = new_person(java_script_enabled=scripts)
    person.open(app.request(demo))
    steps.sign_in(person, account)
    person.expect_heading("Post office wants to access your account")
    person.press("Allow")
    posted = expect_posted(person, scripts=scripts)
    assert set(posted) == {"code", "state", "iss"}
    assert (posted["state"], posted["iss"]) == (STATE, demo.provider)
    assert person.page.url == f"{app.url}/callback", "nothing is in the address"
    if scripts:
        # The page that posted is not in the history: nobody posts a code twice by going back.
        person.back()
        person.page.wait_for_load_state()
        assert person.page.url.startswith(demo.provider)
        assert len(app.got) == 1


@pytest.mark.slow
@pytest.mark.parametrize("scripts", SCRIPTS, ids=named_scripts)
def test_an_error_is_posted_too(new_person: Any, app: App, demo: Demo, *, scripts: bool) -> None:
    """OIDC Core section 3.1.2.6; and without a page of ours in between, but this one."""
    person: Person = new_person(java_script_enabled=scripts)
    person.open(app.request(demo, prompt="none"))
    assert expect_posted(person, scripts=scripts)["error"] == "login_required"


@pytest.mark.slow
def test_whoever_cancels_is_posted_back(person: Person, app: App, demo: Demo) -> None:
    """RFC 6749 section 4.1.2.1: the answer to a form is a page with a form to elsewhere."""
    person.open(app.request(demo))
    person.press("Cancel and go back to Post office")
    assert expect_posted(person, scripts=True)["error"] == "access_denied"
