"""Sign out here."""

from starlette.testclient import TestClient

from tests.support.browser import Browser
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import is_signed_in, sign_in

SESSION = "__Host-signet"


def test_signing_out_ends_the_session_and_its_cookie(browser: Browser, work: Work) -> None:
    """A-53, ASVS v5.0.0-7.4.1."""
    with work() as w:
        make_user(w)
    sign_in(browser)
    old = browser.cookies[SESSION]
    page = browser.submit(button="Sign out")
    assert page.path == "/signed-out"
    assert SESSION not in browser.cookies
    browser.cookies.set(SESSION, old, domain="id.example.test")
    assert not is_signed_in(browser)


def test_no_link_of_another_site_signs_anybody_out(browser: Browser, client: TestClient, work: Work) -> None:
    """A-49."""
    with work() as w:
        make_user(w)
    sign_in(browser)
    assert browser.open("/sign-out").path == "/account"
    assert browser.client.post("/sign-out", headers={"origin": "https://evil.test"}).status_code == 403
    assert is_signed_in(browser)


def test_signing_out_twice_leads_on(browser: Browser, work: Work) -> None:
    with work() as w:
        make_user(w)
    sign_in(browser)
    page = browser.page
    browser.submit(button="Sign out")
    browser.page = page
    again = browser.submit(button="Sign out")
    assert again.status == 403
    assert again.links
