"""The settings of the console are searched while the operator types."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route
from starlette.testclient import TestClient

from provider.config.settings import Settings
from provider.work import Installation
from tests.support.chromium import NewPerson
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_settings_are_found_while_the_operator_types(
    client: TestClient, work: Work, installation: Installation, new_person: NewPerson
) -> None:
    with work() as w:
        operator = make_user(w, "operator@example.com", roles=("admin",))
    sign_in_person(client, installation, operator, amr=TWO_FACTORS)
    person = new_person()

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        found = client.get(f"{url.path}?{url.query}")
        route.fulfill(
            status=found.status_code, headers={"content-type": found.headers["content-type"]}, body=found.content
        )

    person.page.route("**/*", answer)
    person.open(f"{ISSUER}/admin/settings?q=smtp&changed=on")
    page = person.page
    shown = page.locator("[data-changed]:visible")
    assert (shown.count(), page.get_by_text("No settings match.").is_visible()) == (0, True)
    page.get_by_label("Changed only").uncheck()
    page.get_by_label("Search settings").fill("bcrypt cost")
    assert shown.evaluate_all("rows => rows.map(row => row.id)") == ["SIGNET_BCRYPT_COST"]
    assert page.locator("#settings h2:visible").all_text_contents() == ["Passwords and second factors"]
    assert page.get_by_role("status").text_content() == f"1 of {len(Settings.model_fields)} settings"
    page.get_by_label("Search settings").fill("")
    assert shown.count() == len(Settings.model_fields)
    assert not page.get_by_text("No settings match.").is_visible()
