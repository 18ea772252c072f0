"""Times of the console, which the server writes in UTC, in the time zone of the reader."""

import re
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Route
from starlette.testclient import TestClient

from provider.work import Installation
from tests.support.chromium import NewPerson
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_times_of_the_console_are_in_the_time_zone_of_the_reader(
    client: TestClient, work: Work, installation: Installation, new_person: NewPerson
) -> None:
    with work() as w:
        operator = make_user(w, "operator@example.com", roles=("admin",))
        created = w.now
    sign_in_person(client, installation, operator, amr=TWO_FACTORS)
    person = new_person(timezone_id="Asia/Kathmandu")

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        found = client.get(f"{url.path}?{url.query}")
        route.fulfill(
            status=found.status_code, headers={"content-type": found.headers["content-type"]}, body=found.content
        )

    person.page.route("**/*", answer)
    person.open(f"{ISSUER}/admin/users")
    time = person.page.locator("tbody time").first
    assert time.get_attribute("title") == f"{created.day} {created:%B %Y, %H:%M} UTC"
    there = created.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert re.fullmatch(rf"{there.day} \w+ {there:%Y, %H:%M}", time.text_content() or "")
