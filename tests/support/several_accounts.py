"""Several accounts in one browser, without their sign-in pages."""

import re
from html import unescape

import httpx2

from provider.work import Installation
from tests.support.installation import ISSUER
from tests.support.relying_party import sign_in_person

SESSION = "__Host-signet"
ACCOUNTS = "__Host-signet-accounts"
CHOOSER = "/select-account"


def sign_in_beside(browser: httpx2.Client, installation: Installation, user_id: str, *, amr: str = "pwd") -> str:
    """Sign this person in beside those who are. They are the current account now. The cookie's value."""
    others = [browser.cookies.get(name) for name in (SESSION, ACCOUNTS)]
    value = sign_in_person(browser, installation, user_id, amr=amr)
    plant_others(browser, ".".join(other for other in others if other))
    return value


def plant_others(browser: httpx2.Client, value: str) -> None:
    browser.cookies.set(ACCOUNTS, value, domain="id.example.test", path="/")


def accounts_on(html: str) -> dict[str, str]:
    """The accounts that the chooser offers: address -> the value of its button."""
    buttons = re.findall(r'name="account" value="([^"]+)">(.*?)</button>', html, re.DOTALL)
    addresses = {
        value: re.findall(r"[^<>\s]+@[^<>\s]+", unescape(content.replace("<wbr>", ""))) for value, content in buttons
    }
    return {found[-1]: value for value, found in addresses.items() if found}


def csrf_on(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, html
    return unescape(found[1])


def choose(browser: httpx2.Client, url: str, **form: str) -> httpx2.Response:
    """Send the chooser at this URL with one of its buttons: `account`, `sign_out` as an address, or `decision`."""
    html = browser.get(url).text
    offered = accounts_on(html)
    given = {name: offered.get(value, value) for name, value in form.items()}
    data = {"csrf_token": csrf_on(html), **given}
    return browser.post(url, data=data, headers={"origin": ISSUER}, follow_redirects=False)
