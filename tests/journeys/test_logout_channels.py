"""Signing out as apps see it in a real browser: frames that end their sessions, and one that tells them of an end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
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
from tests.support.demo_process import Demo, running_demo
from tests.support.effort import SCRIPTS, named_scripts
from tests.support.factories import make_client
from tests.support.relying_party import LOGOUT, TOKEN, RelyingParty
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WATCH = """<title>Watch</title><main><h1>Watch</h1><p id=told></p></main><iframe id=op src="%s" hidden></iframe><script>
const op = document.getElementById("op"), message = "%s " + new URLSearchParams(location.search).get("session_state");
addEventListener("message", (event) => { document.getElementById("told").textContent = event.data; });
setInterval(() => op.contentWindow.postMessage(message, new URL(op.src).origin), 100);
</script>"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGNET_SESSION_MANAGEMENT", "true")
        with running_demo(tmp_path_factory.mktemp("logout") / "demo") as demo:
            httpx2.get(f"{demo.provider}/health/ready", timeout=PATIENCE)  # once there is a database
            yield demo


@dataclass
class App:
    """An application with a session of its own (a cookie), ended by whoever loads its frontchannel_logout_uri."""

    name: str
    demo: Demo
    url: str = ""
    rp: Any = None
    got: dict[str, str] = field(default_factory=dict)
    verifier: str = ""

    def sign_in(self, person: Person) -> None:
        """From the app to the provider, which knows the person or asks, and back."""
        parameters, self.verifier = self.rp.request(redirect_uri=f"{self.url}/callback")
        person.open(f"{self.demo.provider}/oauth2/authorize?{urlencode(parameters)}")

    def sign_out(self, person: Person) -> None:
        form = {"grant_type": "authorization_code", "code": self.got["code"], "code_verifier": self.verifier}
        tokens = self.rp.post(f"{self.demo.provider}{TOKEN}", redirect_uri=f"{self.url}/callback", **form).json()
        query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{self.url}/", "state": "bye"}
        person.open(f"{self.demo.provider}{LOGOUT}?{urlencode(query)}")

    async def callback(self, request: Request) -> Response:
        self.got = dict(request.query_params)
        response = HTMLResponse("<main><h1>Welcome</h1></main>")
        response.set_cookie(self.name, "in")
        return response

    async def home(self, request: Request) -> Response:
        known = "in" if self.name in request.cookies else "out"
        return HTMLResponse(f"<main><h1>{self.name}: {known}</h1></main>")

    async def out(self, request: Request) -> Response:
        self.got = dict(request.query_params)
        response = HTMLResponse("", headers={"cache-control": "no-store"})
        response.delete_cookie(self.name)
        return response

    async def watch(self, _request: Request) -> Response:
        return HTMLResponse(WATCH % (f"{self.demo.provider}/oauth2/check-session", self.rp.client_id))


@contextmanager
def running(app: App, host: str = "localhost") -> Iterator[App]:
    routes = [
        Route("/", app.home),
        Route("/callback", app.callback),
        Route("/out", app.out),
        Route("/watch", app.watch),
    ]
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, lifespan="off", log_level="error")
    server, sock = uvicorn.Server(config), config.bind_socket()
    app.url = f"http://{host}:{sock.getsockname()[1]}"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    database = f"sqlite:///{app.demo.folder.resolve() / 'signet.db'}"
    settings = load_settings({"SIGNET_ISSUER": app.demo.provider, "SIGNET_DATABASE_URL": database})
    installation = open_installation(settings)
    with unit_of_work(installation) as work:
        client, secret = make_client(
            work,
            client_name=app.name,
            first_party=True,
            redirect_uris=(f"{app.url}/callback",),
            post_logout_redirect_uris=(f"{app.url}/",),
            frontchannel_logout_uri=f"{app.url}/out",
            frontchannel_logout_session_required=True,
        )
    installation.database.close()
    with httpx2.Client() as http:
        app.rp = RelyingParty(http, client, secret, issuer=app.demo.provider)
        yield app
    server.should_exit = True
    thread.join()
    sock.close()


@pytest.fixture
def green(demo: Demo) -> Iterator[App]:
    with running(App("Green", demo)) as app:
        yield app


@pytest.fixture
def blue(demo: Demo) -> Iterator[App]:
    with running(App("Blue", demo)) as app:
        yield app


@pytest.mark.parametrize("scripts", SCRIPTS, ids=named_scripts)
def test_signing_out_of_one_app_signs_out_of_the_other(
    new_person: Any, green: App, blue: App, account: Account, steps: Steps, *, scripts: bool
) -> None:
    """Front-Channel Logout sections 2, 3; oidcc-frontchannel-rp-initiated-logout."""
    person: Person = new_person(java_script_enabled=scripts)
    green.sign_in(person)
    steps.sign_in(person, account)
    person.expect_heading("Welcome")
    blue.sign_in(person)
    person.expect_heading("Welcome")
    person.open(f"{blue.url}/")
    person.expect_heading("Blue: in")
    green.sign_out(person)
    if not scripts:
        person.expect_heading("You are signed out")
        for name in ("Green", "Blue"):
            person.expect_text(name)
        person.page.wait_for_load_state("load")
        person.picture("signed-out-of-apps")
        person.follow("Back to Green")
    person.expect_heading("Green: out")
    assert person.page.url == f"{green.url}/?state=bye"
    assert (blue.got["iss"], blue.got["sid"]) == (blue.demo.provider, green.got["sid"])
    person.open(f"{blue.url}/")
    person.expect_heading("Blue: out")


def test_an_app_sees_through_a_frame_that_somebody_signed_out_in_another_tab(
    person: Person, green: App, account: Account, steps: Steps
) -> None:
    """Session Management section 3; oidcc-session-management-rp-initiated-logout."""
    green.sign_in(person)
    steps.sign_in(person, account)
    person.expect_heading("Welcome")
    session_state = green.got["session_state"]
    person.open(f"{green.url}/watch?{urlencode({'session_state': session_state})}")
    told = person.page.locator("#told")
    told.get_by_text("unchanged").wait_for()
    watching = person.in_new_tab(f"{green.demo.provider}/account")
    person.press("Sign out")
    person.expect_heading("You are signed out")
    watching.locator("#told").get_by_text("changed", exact=True).wait_for()


@pytest.mark.slow
def test_an_app_of_another_site_hears_of_an_error_where_the_browser_blocks_its_cookies(
    private_person: Person, demo: Demo, account: Account, steps: Steps
) -> None:
    """Session Management section 3.3: `changed` would sign out everyone whose browser withholds the cookie."""
    with running(App("Red", demo), host="127.0.0.1") as red:
        red.sign_in(private_person)
        steps.sign_in(private_person, account)
        private_person.expect_heading("Welcome")
        private_person.open(f"{red.url}/watch?{urlencode({'session_state': red.got['session_state']})}")
        private_person.page.locator("#told").get_by_text("error", exact=True).wait_for()
