"""An issuer with a path behind a real nginx, by the file we ship: `openid-client` and a real browser below the path."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.interop.conftest import EMAIL, Served, StartApp, serve, sign_in_at
from tests.support.chromium import NewPerson
from tests.support.nginx import configuration_below_a_path, nginx
from tests.support.server_process import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(
    scope="module",
    params=[False, pytest.param(True, marks=[pytest.mark.slow, pytest.mark.nightly])],
    ids=["kept", "stripped"],
)
def served(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder, port, node = tmp_path_factory.mktemp("path"), free_port(), free_port()
    signet_conf = configuration_below_a_path(port=port, node=node, strips=request.param)
    with (
        nginx(folder, port=port, signet_conf=signet_conf),
        serve(folder, sqlite_template, issuer=f"http://127.0.0.1:{port}/auth", port=node) as served,
    ):
        yield served


@pytest.mark.parametrize("algorithm", ["oidc", pytest.param("oauth2", marks=[pytest.mark.slow, pytest.mark.nightly])])
def test_openid_client_and_a_person_stay_below_the_path(
    served: Served, start_app: StartApp, new_person: NewPerson, algorithm: str
) -> None:
    """OIDC Discovery section 4 and RFC 8414 section 3.1: discovery, sign-in, tokens, account pages, sign-out.

    What the browser cannot load, or the policy of a page blocks, fails the test.
    """
    person, app = new_person(), start_app("client_secret_basic", more={"algorithm": algorithm})
    visited: list[str] = []
    person.page.on("request", lambda request: visited.append(request.url))
    sign_in_at(app, person)
    learned = app.listen()
    assert learned["claims"]["iss"] == served.issuer
    assert learned["userinfo"]["email"] == EMAIL
    assert {cookie.get("path") for cookie in person.context.cookies()} == {"/auth"}

    person.open(served.issuer)  # its home page
    person.page.wait_for_url(f"{served.issuer}/account")
    person.follow("Profile")
    person.page.locator("[name=nickname]").fill("Ada")
    person.press("Save")
    person.page.wait_for_url(f"{served.issuer}/account/profile*")
    person.speak("Deutsch")
    person.expect_heading("Ihr Profil")
    person.speak("English")

    person.open(app.listen()["open"])
    person.expect_heading("Back at the app")
    person.open(app.listen()["open"])
    person.expect_heading("Back at the app")
    assert app.listen()["signed_out_at"] == "/signed-out"
    ours = [url for url in visited if urlsplit(url).netloc == urlsplit(served.issuer).netloc]
    assert len(ours) > 10
    assert [url for url in ours if not (url == served.issuer or url.startswith(f"{served.issuer}/"))] == []
