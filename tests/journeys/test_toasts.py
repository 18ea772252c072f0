"""What was just done, in a browser with scripts: said once, closed with a button, and gone after a reload."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route
from starlette.testclient import TestClient

from provider.work import Installation
from tests.support.chromium import NewPerson
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_toast_is_gone_after_a_reload(
    client: TestClient, work: Work, installation: Installation, new_person: NewPerson
) -> None:
    with work() as w:
        operator, user_id = make_user(w, "operator@example.com", roles=("admin",)), make_user(w)
    sign_in_person(client, installation, operator, amr=TWO_FACTORS)
    person = new_person(java_script_enabled=True)

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        found = client.get(f"{url.path}?{url.query}" if url.query else url.path)
        route.fulfill(
            status=found.status_code, headers={"content-type": found.headers["content-type"]}, body=found.content
        )

    person.page.route("**/*", answer)
    person.open(f"{ISSUER}/admin/users/{user_id}?done=suspend")
    toast = person.page.get_by_role("status").filter(has_text="Account suspended.")
    toast.wait_for()
    assert person.page.url == f"{ISSUER}/admin/users/{user_id}"
    person.page.reload()
    assert toast.count() == 0
    person.open(f"{ISSUER}/admin/users/{user_id}?done=suspend")
    person.page.get_by_role("button", name="Close").click()
    assert toast.count() == 0
