"""The page that says why a protocol request was refused; for operators alone."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from provider.work import Installation
from tests.support.browser import Browser, Page
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

Open = Callable[..., Page]


@pytest.fixture
def open_as(browser: Browser, installation: Installation, work: Work) -> Open:
    def open_(path: str, *, roles: tuple[str, ...] = ("admin",), amr: str = TWO_FACTORS) -> Page:
        with work() as w:
            user_id = make_user(w, "op@example.test", roles=roles)
        sign_in_person(browser.client, installation, user_id, amr=amr)
        return browser.open(path)

    return open_


def refuse(client: TestClient, **form: str) -> str:
    """A refused token request; its error id."""
    return str(client.post("/oauth2/token", data=form).json()["error_id"])


def test_it_shows_each_check_and_what_to_do(client: TestClient, open_as: Open) -> None:
    error_id = refuse(client, grant_type="authorization_code", client_id="<b>nobody</b>")
    page = open_as(f"/admin/explain?error_id={error_id}")
    assert page.status == 200
    assert "invalid_client" in page.text
    assert "✗ The client is registered and enabled RFC 6749 section 2.3" in page.text
    assert "Received: <b>nobody</b>" in page.text  # as text
    assert "<b>nobody" not in page.html


def test_an_id_nobody_knows_is_said_to_be_so(open_as: Open) -> None:
    page = open_as("/admin/explain?error_id=<svg onload=x>")
    assert page.status == 404
    assert "No rejected request <svg onload=x> was found." in page.text
    assert "<svg onload" not in page.html


def test_it_is_for_operators_with_two_factors(open_as: Open, browser: Browser) -> None:
    assert browser.open("/admin/explain").path == "/login"
    assert open_as("/admin/explain", roles=("staff",)).status == 403


def test_one_factor_is_not_enough(open_as: Open) -> None:
    """Who has no second factor yet sets one up, and is told that the console needs it."""
    page = open_as("/admin/explain", amr="pwd")
    assert page.path == "/account/two-factor"
    assert "The console requires two-factor authentication." in page.text
