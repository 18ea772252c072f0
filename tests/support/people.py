"""What a person does at a browser, in the words of the pages."""

import re
from datetime import datetime
from html import unescape
from urllib.parse import urlsplit

import pyotp

from provider.accounts.store import email_addresses
from provider.accounts.store.users import User
from provider.crypto.digests import new_opaque
from provider.web import cookies, csrf
from tests.support.browser import Browser, Page
from tests.support.factories import PASSWORD
from tests.support.installation import Work

ADDRESS = "ada@example.test"


def sign_up(browser: Browser, email: str = ADDRESS, *, password: str = PASSWORD, name: str = "") -> Page:
    browser.open("/signup")
    return browser.submit({"email": email, "password": password, "name": name})


def sign_in(browser: Browser, email: str = ADDRESS, *, password: str = PASSWORD) -> Page:
    """As far as it goes without a second factor. Opens the sign-in page only where `Browser.app` is None."""
    if browser.app is None:
        browser.open("/login?prompt=login")
        return browser.submit({"username": email, "password": password})
    installation = browser.app.state.installation
    cookie = cookies.cookie_name(installation.settings, cookies.BROWSER)
    if cookie not in browser.cookies:
        browser.cookies.set(cookie, new_opaque(), domain=urlsplit(browser.issuer).hostname or "", path="/")
    token = csrf.csrf_token(installation.vault, browser.cookies[cookie])
    return browser.post("/login?prompt=login", {csrf.FIELD: token, "username": email, "password": password})


def forgot_password(browser: Browser, email: str = ADDRESS) -> Page:
    browser.open("/forgot-password")
    return browser.submit({"email": email})


def begin_set_up(browser: Browser) -> str:
    """To the page with the QR code. The key in it."""
    browser.open("/account/two-factor")
    return key_on(browser.submit(action="/account/two-factor/begin"))


def key_on(page: Page) -> str:
    found = re.search(r'id="key">([A-Z2-7 ]+)<', page.html)
    assert found, page
    return found[1].replace(" ", "")


def code_of(key: str, now: datetime, *, steps: int = 0) -> str:
    """What an authenticator app shows; `steps` later."""
    return pyotp.TOTP(key).at(now, counter_offset=steps)


def turn_on_two_factor(browser: Browser, now: datetime) -> tuple[str, list[str]]:
    """The key and the recovery codes. Uses the code of `now`."""
    key = begin_set_up(browser)
    page = browser.submit({"code": code_of(key, now)})
    assert page.title.startswith("Save your recovery codes"), page
    return key, recovery_codes_on(page)


def add_authenticator_app(browser: Browser, now: datetime, name: str) -> str:
    """The key of one more app, in a session that has shown a second factor."""
    browser.open("/account/two-factor")
    key = key_on(browser.submit(button="Add another authenticator app"))
    page = browser.submit({"code": code_of(key, now), "name": name})
    assert "Authenticator app added." in page.text, page
    return key


def recovery_codes_on(page: Page) -> list[str]:
    return [unescape(code) for code in re.findall(r"<li>([a-z0-9-]{19})</li>", page.html)]


def is_signed_in(browser: Browser) -> bool:
    return browser.open("/account").path == "/account"


def find_user(work: Work, email: str = ADDRESS) -> User:
    with work() as w:
        owner = email_addresses.find_owner(w.read, email)
        assert owner is not None
        return owner[0]
