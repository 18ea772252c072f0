"""What people see of the app they are on the way to: its logo and papers, its host, a warning of a stranger."""

from typing import Any

from provider.oauth.clients import registration
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.browser import Browser, Page
from tests.support.factories import PASSWORD, REDIRECT_URI, make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS
from tests.support.relying_party import authorization_url

WARNING = "This app registered itself and hasn't been reviewed."
SHOWN = {
    "client_name": "Your bank",
    "redirect_uris": ("https://bank.test/callback", REDIRECT_URI),
    "client_uri": "https://bank.test/",
    "logo_uri": "https://logos.test:8443/bank.svg?x=1&y=2",
    "policy_uri": "https://bank.test/privacy",
    "tos_uri": "https://bank.test/terms",
}


def on_the_way(work: Work, *, registered: bool, **changes: Any) -> str:
    """The URL that sends people to an app that shows itself like this."""
    metadata = ClientMetadata(**{**SHOWN, **changes})
    with work() as w:
        client = registration.register(w, metadata).client if registered else create_client(w, metadata)[0]
    return authorization_url(client, redirect_uri=REDIRECT_URI)


def the_three_pages(browser: Browser, url: str) -> list[Page]:
    """Sign in, sign up, consent."""
    first = browser.open(url)
    up = browser.follow("Create an account")
    browser.follow("Already have an account")
    return [first, up, browser.submit({"username": ADDRESS, "password": PASSWORD})]


def test_every_page_on_the_way_to_a_self_registered_app_warns_and_shows_its_papers_but_no_logo(
    browser: Browser, work: Work
) -> None:
    """oidcc-registration-policy-uri, -tos-uri; RFC 7591 section 5; OWASP ASVS v5.0.0-10.4.7.

    The host is the one this request leads back to, not one the app claims or registered besides. Anybody can register
    the logo of a bank.
    """
    with work() as w:
        make_user(w)
    for page in the_three_pages(browser, on_the_way(work, registered=True)):
        assert WARNING in page.text, page.path
        assert "app.example.test" in page.text
        assert "bank.test" not in page.text
        assert "logos.test" not in page.html
        assert page.links["privacy policy"] == "https://bank.test/privacy"
        assert page.links["terms of service"] == "https://bank.test/terms"
        assert "img-src 'self' data:;" in page.response.headers["content-security-policy"]


def test_every_page_on_the_way_to_an_operators_app_shows_its_logo(browser: Browser, work: Work) -> None:
    """OIDC Dynamic Client Registration section 2, logo_uri."""
    with work() as w:
        make_user(w)
    for page in the_three_pages(browser, on_the_way(work, registered=False)):
        assert 'src="https://logos.test:8443/bank.svg?x=1&amp;y=2"' in page.html
        policy = page.response.headers["content-security-policy"].split("; ")
        assert "img-src 'self' data: https://logos.test:8443" in policy


def test_an_operators_app_is_shown_as_it_was_registered(browser: Browser, work: Work) -> None:
    """Nobody is warned of an app that an operator registered, and its home is where the operator said."""
    with work() as w:
        make_user(w)
    pages = the_three_pages(browser, on_the_way(work, registered=False, logo_uri=None, policy_uri=None, tos_uri=None))
    for page in pages:
        assert WARNING not in page.text
        assert "bank.test" in page.text
        assert "About this app" not in page.text
        assert "img-src 'self' data:;" in page.response.headers["content-security-policy"]


def test_an_app_on_a_device_is_named_by_where_it_is(work: Work) -> None:
    """RFC 8252 section 7."""
    metadata = ClientMetadata(redirect_uris=("com.example.app:/cb",), client_uri="https://bank.test/")
    with work() as w:
        client = registration.register(w, metadata).client
    assert client.host_at("com.example.app:/cb") == "com.example.app"
    assert client.host_at("http://127.0.0.1:5000/cb") == "127.0.0.1"
