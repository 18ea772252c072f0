"""The audit log of the console while it is followed, in a browser."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route
from starlette.testclient import TestClient

from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.work import Installation
from tests.support.chromium import NewPerson
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import TWO_FACTORS, sign_in_person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, issuer=f"{ISSUER}/auth")


def test_a_followed_log_below_a_path_shows_new_events_until_the_session_ends(
    client: TestClient, work: Work, installation: Installation, new_person: NewPerson
) -> None:
    """N-626: only rows of Signet come between the rows, no page of another site or of the sign-in."""
    with work() as w:
        operator = make_user(w, "operator@example.com", roles=("admin",))
    sign_in_person(client, installation, operator, amr=TWO_FACTORS)
    person = new_person()

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        if not url.path.startswith("/auth/"):
            route.fulfill(content_type="text/html", body="<tr><td>another site</td></tr>")
            return
        found = client.get(f"{ISSUER}{url.path}?{url.query}", follow_redirects=False)
        if found.is_redirect and route.request.is_navigation_request():
            route.fulfill(content_type="text/html", body="<main>Signed out</main>")
            return
        kept = {name: found.headers[name] for name in ("content-type", "location") if name in found.headers}
        route.fulfill(status=found.status_code, headers=kept, body=found.content)

    person.page.route("**/*", answer)
    person.page.clock.install()
    person.open(f"{ISSUER}/auth/admin/audit?live=yes")
    rows = person.page.locator("tbody[data-follow] tr")
    before = rows.count()
    with work() as w:
        record(w, Event.KEY_ROTATED)
    person.page.clock.fast_forward(3500)
    rows.nth(before).wait_for()
    assert "key.rotated" in person.page.content()
    assert "another site" not in person.text
    client.cookies.clear()
    person.page.clock.fast_forward(3500)
    person.expect_text("Signed out")
