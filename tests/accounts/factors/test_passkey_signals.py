"""What pages tell the browser about passkeys: WebAuthn Level 3 section 5.1.10."""

import json
from html import unescape
from typing import Any

import pytest

from provider.accounts.factors.store import passkeys as store
from tests.support.authenticator import Authenticator, encode, question_of
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS, sign_in

RP_ID = "id.example.test"


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def add(browser: Browser) -> Authenticator:
    device = Authenticator()
    options = question_of(browser.open("/account/passkeys"))
    browser.submit({"credential": device.create(options)}, action="/account/passkeys")
    return device


def signals_on(page: Page) -> dict[str, Any]:
    return question_of(page, "data-signals") if "data-signals" in page.html else {}


def test_the_page_of_passkeys_names_every_one_that_is_accepted(browser: Browser, ada: str) -> None:
    sign_in(browser)
    held = [encode(add(browser).credentials[0].id) for _ in range(2)]
    signals = signals_on(browser.open("/account/passkeys"))
    user = {"rpId": RP_ID, "userId": encode(ada.encode())}
    accepted = signals["signalAllAcceptedCredentials"]
    assert sorted(accepted.pop("allAcceptedCredentialIds")) == sorted(held)
    assert accepted == user
    assert signals["signalCurrentUserDetails"] == user | {"name": ADDRESS, "displayName": ADDRESS}


def test_a_removed_passkey_is_no_longer_among_them(browser: Browser, ada: str) -> None:
    sign_in(browser)
    add(browser)
    page = browser.submit(action="/account/passkeys/remove")
    assert signals_on(page)["signalAllAcceptedCredentials"]["allAcceptedCredentialIds"] == []


def test_a_new_name_reaches_the_device(browser: Browser, ada: str) -> None:
    sign_in(browser)
    add(browser)
    assert signals_on(browser.open("/account/profile")) == {}
    page = browser.submit({"name": "Ada Lovelace"}, action="/account/profile")
    assert signals_on(page)["signalCurrentUserDetails"]["displayName"] == "Ada Lovelace"


def test_a_user_without_passkeys_gets_no_signal_with_a_new_name(browser: Browser, ada: str) -> None:
    sign_in(browser)
    browser.open("/account/profile")
    assert signals_on(browser.submit({"name": "Ada Lovelace"}, action="/account/profile")) == {}


def test_a_sign_in_with_an_unknown_passkey_names_this_one_only(browser: Browser, ada: str, work: Work) -> None:
    sign_in(browser)
    device = add(browser)
    with work() as w:
        (passkey,) = store.find_of_user(w.read, ada)
        store.remove(w.db, ada, passkey.id)
    browser.submit(action="/sign-out")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    page = browser.submit({"credential": device.get(options)})
    unknown = {"rpId": RP_ID, "credentialId": encode(device.credentials[0].id)}
    assert signals_on(page) == {"signalUnknownCredential": unknown}


@pytest.mark.parametrize("wrong", [{"signature": b"wrong"}, {"flags": 0}, {"origin": "https://evil.example"}])
def test_a_known_passkey_that_fails_is_not_called_unknown(browser: Browser, ada: str, wrong: dict[str, Any]) -> None:
    """The device would delete it."""
    sign_in(browser)
    device = add(browser)
    browser.submit(action="/sign-out")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    page = browser.submit({"credential": device.get(options, **wrong)})
    assert page.status == 400
    assert signals_on(page) == {}


@in_one_world("id_", ['"><script>', "", "a" * 1365, "a b", "ä"])
def test_what_is_no_credential_id_is_not_repeated(browser: Browser, ada: str, id_: str) -> None:
    browser.open("/login")
    page = browser.submit({"credential": json.dumps({"id": id_, "response": {}})})
    assert page.status == 400
    assert signals_on(page) == {}
    assert "<script>" not in unescape(page.html.split("<main", 1)[1])
