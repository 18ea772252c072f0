"""Passkeys: adding, signing in, second factor, naming, removing; WebAuthn Level 3 sections 7.1 and 7.2."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts.factors.passkeys import MOST
from provider.accounts.factors.store import passkeys as store
from provider.accounts.store import passwords
from provider.audit import store as audit
from tests.support.authenticator import (
    BACKED_UP,
    EDDSA,
    ELIGIBLE,
    ES256,
    PRESENT,
    RS256,
    VERIFIED,
    Authenticator,
    encode,
    question_of,
)
from tests.support.browser import Browser, Page
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.people import is_signed_in, sign_in, turn_on_two_factor
from tests.support.relying_party import RelyingParty

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator()


def add(browser: Browser, device: Authenticator, **wrong: Any) -> Page:
    options = question_of(browser.open("/account/passkeys"))
    return browser.submit({"credential": device.create(options, **wrong)}, action="/account/passkeys")


def use(browser: Browser, device: Authenticator, **wrong: Any) -> Page:
    browser.open("/login?prompt=login")
    options = browser.client.get("/login/passkey").json()
    return browser.submit({"credential": device.get(options, **wrong)})


@pytest.fixture
def held(browser: Browser, ada: str, phone: Authenticator) -> Authenticator:
    """A passkey of Ada, who is signed out."""
    sign_in(browser)
    assert add(browser, phone).path == "/account/passkeys"
    browser.submit(action="/sign-out")
    assert not is_signed_in(browser)
    return phone


@pytest.mark.parametrize("alg", [ES256, EDDSA, RS256])
def test_a_passkey_signs_in_without_a_password(browser: Browser, ada: str, alg: int, work: Work) -> None:
    """WebAuthn Level 3 section 7; the algorithms of section 5.4 are those that authenticators have."""
    sign_in(browser)
    phone = Authenticator(alg=alg)
    page = add(browser, phone)
    assert "Google Password Manager" in page.text
    browser.submit(action="/sign-out")
    assert use(browser, phone).path == "/account"
    with work() as w:
        (passkey,) = store.find_of_user(w.read, ada)
        assert passkey.last_used_at == w.now


def test_tokens_attest_two_factors(browser: Browser, work: Work, client: TestClient, held: Authenticator) -> None:
    """RFC 8176 section 2: the key, the check of its user, and both together."""
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    use(browser, held)
    claims = rp.verify(rp.sign_in(browser.client, acr_values="aal2"))
    assert (claims["amr"], claims["acr"]) == (["swk", "user", "mfa"], "aal2")


def test_a_key_that_stays_on_its_device_is_attested_as_hardware(
    browser: Browser, work: Work, client: TestClient, ada: str
) -> None:
    sign_in(browser)
    key = Authenticator(flags=PRESENT | VERIFIED, counts=True)
    add(browser, key)
    use(browser, key)
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    assert rp.verify(rp.sign_in(browser.client))["amr"] == ["hwk", "user", "mfa"]


def test_having_a_passkey_does_not_turn_two_factor_authentication_on(browser: Browser, held: Authenticator) -> None:
    assert sign_in(browser).path == "/account"


def test_a_passkey_is_asked_for_first_after_the_password(
    browser: Browser, ada: str, phone: Authenticator, clock: Clock, work: Work, client: TestClient
) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    add(browser, phone)
    browser.submit(action="/sign-out")
    page = sign_in(browser)
    assert (page.path, page.title) == ("/login/second-factor", "Use your passkey \u2013 Signet")
    assert "Use your authenticator app" in page.text
    browser.submit({"code": phone.get(question_of(page), user_handle=ada.encode())})
    assert is_signed_in(browser)
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    assert rp.verify(rp.sign_in(browser.client))["amr"] == ["pwd", "swk", "mfa"]


REGISTRATIONS: dict[str, dict[str, Any]] = {
    "another ceremony (step 7)": {"type": "webauthn.get"},
    "another challenge (step 8)": {"challenge": encode(b"of another site")},
    "another origin (step 9)": {"origin": "https://id.example.test.evil.example"},
    "the origin without TLS (step 9)": {"origin": "http://id.example.test"},
    "another port (step 9)": {"origin": "https://id.example.test:8443"},
    "a frame of another site (step 10)": {"cross_origin": True},
    "another relying party (step 14)": {"rp_id": "example.test"},
    "nobody there (step 15)": {"flags": VERIFIED},
    "backed up, but cannot be (step 17)": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "an unknown algorithm (step 20)": {"cose": b"\xa1\x03\x39\xff\xfe"},
    "a key that is none": {"cose": b"\xa5\x01\x02\x03\x26\x20\x01\x21\x41\x00\x22\x41\x00"},
    "an unknown attestation (step 22)": {"attestation": {"fmt": "secret", "attStmt": {}}},
    "an attestation that must be empty": {"attestation": {"fmt": "none", "attStmt": {"sig": b"1"}}},
    "a packed attestation with a wrong signature": {
        "attestation": {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"wrong"}}
    },
    "a credential ID that is too long (step 25)": {"credential_id": bytes(1024)},
    "no credential ID": {"credential_id": b""},
    "client data that is no JSON": {"client_data": b"{"},
    "client data that is a list": {"client_data": b"[]"},
    "client data that is no UTF-8": {"client_data": b'{"challenge": "\xff"}'},
    "an ID that differs": {"change": lambda answer: answer.update(id="AAAA")},
    "another type": {"change": lambda answer: answer.update(type="password")},
    "no response": {"change": lambda answer: answer.pop("response")},
    "a response that is a text": {"change": lambda answer: answer.update(response="x")},
    "no attestation": {"change": lambda answer: answer["response"].pop("attestationObject")},
    "an attestation that is no CBOR": {"change": lambda answer: answer["response"].update(attestationObject="AAAA")},
    "client data that is a number": {"change": lambda answer: answer["response"].update(clientDataJSON=1)},
}


def test_registrations_that_must_be_refused_store_nothing(browser: Browser, ada: str, work: Work) -> None:
    """WebAuthn Level 3 section 7.1, by the steps of the procedure."""
    sign_in(browser)
    for name, wrong in REGISTRATIONS.items():
        page = add(browser, Authenticator(), **wrong)
        assert (page.status, page.path) == (400, "/account/passkeys"), name
        assert "Try again." in page.text, name
    with work() as w:
        assert store.find_of_user(w.read, ada) == []


ASSERTIONS: dict[str, dict[str, Any]] = {
    "another ceremony (step 10)": {"type": "webauthn.create"},
    "another challenge (step 11)": {"challenge": encode(b"of another site")},
    "another origin (step 12)": {"origin": "https://evil.example"},
    "a frame of another site (step 13)": {"cross_origin": True},
    "another relying party (step 15)": {"rp_id": "evil.example"},
    "nobody there (step 16)": {"flags": VERIFIED | ELIGIBLE | BACKED_UP},
    "nobody verified (step 17)": {"flags": PRESENT | ELIGIBLE | BACKED_UP},
    "backed up, but cannot be (step 18)": {"flags": PRESENT | VERIFIED | BACKED_UP},
    "another backup eligibility (step 19)": {"flags": PRESENT | VERIFIED},
    "a wrong signature (step 21)": {"signature": b"wrong"},
    "no signature": {"signature": b""},
    "the handle of another user (step 6)": {"user_handle": b"6d9c0bd4-0000-4000-8000-000000000000"},
    "client data that is no JSON": {"client_data": b"nothing"},
    "no authenticator data": {"change": lambda answer: answer["response"].pop("authenticatorData")},
    "authenticator data that is too short": {
        "change": lambda answer: answer["response"].update(authenticatorData="AAAA")
    },
    "a raw ID that differs": {"change": lambda answer: answer.update(rawId="AAAA")},
    "a user handle that is a number": {"change": lambda answer: answer["response"].update(userHandle=1)},
}


def test_answers_that_must_be_refused_sign_nobody_in(browser: Browser, held: Authenticator, work: Work) -> None:
    """WebAuthn Level 3 section 7.2, by the steps of the procedure."""
    for name, wrong in ASSERTIONS.items():
        page = use(browser, held, **wrong)
        assert (page.status, page.path) == (400, "/login/passkey"), name
        assert not is_signed_in(browser), name
    with work() as w:
        failures = [event.details for event in audit.find(w.read) if event.name == "session.sign_in.failed"]
    assert len(failures) == len(ASSERTIONS)
    assert all(details["method"] == "passkey" and details["reason"] for details in failures)


@in_one_world("answer", ["", "{", "[]", "null", '{"id": 1, "response": {}}', "[" * 9_000, '{"id":' * 1_500])
def test_what_is_no_answer_at_all_is_refused(browser: Browser, ada: str, answer: str) -> None:
    browser.open("/login")
    assert browser.submit({"credential": answer}).status == 400


def test_each_challenge_is_answered_once(browser: Browser, held: Authenticator) -> None:
    """Section 13.4.3: an answer that was seen on its way must not sign anybody else in."""
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    answer = held.get(options)
    browser.submit({"credential": answer})
    browser.submit(action="/sign-out")
    browser.open("/login")
    assert browser.submit({"credential": answer}).status == 400


def test_a_challenge_lasts_five_minutes(browser: Browser, held: Authenticator, clock: Clock) -> None:
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    clock.advance(minutes=5)
    browser.open("/login")
    page = browser.submit({"credential": held.get(options)})
    assert page.status == 400
    assert "That took too long. Try again." in page.text


def test_a_challenge_is_of_one_browser(
    browser: Browser, held: Authenticator, new_browser: Callable[[], Browser]
) -> None:
    other = new_browser()
    other.open("/login")
    options = other.client.get("/login/passkey").json()
    browser.open("/login")
    assert browser.submit({"credential": held.get(options)}).status == 400


def test_a_challenge_for_one_use_is_not_good_for_the_other(browser: Browser, ada: str, phone: Authenticator) -> None:
    sign_in(browser)
    options = question_of(browser.open("/account/passkeys"))
    options["challenge"] = browser.client.get("/login/passkey").json()["challenge"]
    assert browser.submit({"credential": phone.create(options)}, action="/account/passkeys").status == 400


def test_the_options_do_not_tell_who_has_passkeys(browser: Browser, held: Authenticator) -> None:
    """Section 14.6.2."""
    browser.open("/login?login_hint=ada@example.com")
    options = browser.client.get("/login/passkey").json()
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"


def test_a_counter_that_goes_back_is_refused(browser: Browser, ada: str) -> None:
    """Section 6.1.1: the authenticator may have been copied."""
    sign_in(browser)
    key = Authenticator(flags=PRESENT | VERIFIED, counts=True)
    add(browser, key)
    assert use(browser, key).path == "/account"
    assert use(browser, key, sign_count=1).status == 400
    assert use(browser, key, sign_count=0).status == 400
    assert use(browser, key, sign_count=9).path == "/account"


def test_a_security_key_that_verifies_nobody_is_a_second_factor_only(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    turn_on_two_factor(browser, clock.now)
    key = Authenticator(flags=PRESENT, counts=True)
    add(browser, key)
    assert use(browser, key).status == 400
    page = sign_in(browser)
    browser.submit({"code": key.get(question_of(page))})
    assert is_signed_in(browser)


def test_the_passkey_of_another_user_is_no_second_factor(
    browser: Browser, held: Authenticator, work: Work, new_browser: Callable[[], Browser], clock: Clock
) -> None:
    with work() as w:
        make_user(w, "eve@example.com")
    eve = new_browser()
    sign_in(eve, "eve@example.com")
    turn_on_two_factor(eve, clock.now)
    own = Authenticator()
    add(eve, own)
    page = sign_in(eve, "eve@example.com")
    question = question_of(page) | {"allowCredentials": []}
    page = eve.submit({"code": held.get(question)})
    assert page.status == 400
    # WCAG 2.2 criterion 3.3.1: the error leads to the button, and describes it.
    assert '<a href="#passkey">' in page.html
    assert re.search(r'<button [^>]*id="passkey" aria-describedby="passkey-error"', page.html)
    assert not is_signed_in(eve)


def test_a_credential_id_belongs_to_one_account(
    browser: Browser, held: Authenticator, work: Work, new_browser: Callable[[], Browser]
) -> None:
    """Section 7.1, step 26."""
    with work() as w:
        make_user(w, "eve@example.com")
    eve = new_browser()
    sign_in(eve, "eve@example.com")
    page = add(eve, Authenticator(), credential_id=held.credentials[0].id)
    assert page.status == 400
    assert "This passkey is already in use." in page.text


def test_a_device_that_has_a_passkey_is_told_to_create_no_other(browser: Browser, held: Authenticator) -> None:
    sign_in(browser)
    options = question_of(browser.open("/account/passkeys"))
    assert [one["id"] for one in options["excludeCredentials"]] == [encode(held.credentials[0].id)]


def test_an_account_has_at_most_twenty(browser: Browser, ada: str, work: Work) -> None:
    sign_in(browser)
    late = question_of(browser.open("/account/passkeys"))
    for _ in range(MOST):
        assert add(browser, Authenticator()).status == 200
    assert browser.page is not None
    assert "Add a passkey" not in browser.page.text
    token = browser.page.forms[0].find("csrf_token")
    assert token is not None
    body = {"csrf_token": token.value, "credential": Authenticator().create(late)}
    answer = browser.client.post("/account/passkeys", data=body)
    assert answer.status_code == 400
    assert "Remove one first." in answer.text
    with work() as w:
        assert len(store.find_of_user(w.read, ada)) == MOST


def test_a_passkey_is_renamed_and_removed(browser: Browser, held: Authenticator, ada: str, work: Work) -> None:
    sign_in(browser)
    with work() as w:
        (passkey,) = store.find_of_user(w.read, ada)
    browser.open("/account/passkeys")
    page = browser.submit({f"name-{passkey.id}": "My phone"}, action="/account/passkeys/rename")
    assert "My phone" in page.text
    assert browser.submit({f"name-{passkey.id}": "  "}, action="/account/passkeys/rename").status == 400
    browser.open("/account/passkeys")
    page = browser.submit(action="/account/passkeys/remove")
    assert "You have no passkeys yet." in page.text
    page = use(browser, held)
    assert page.status == 400
    assert "That passkey was removed from your account." in page.text


def test_the_last_way_to_sign_in_is_not_removed(browser: Browser, held: Authenticator, ada: str, work: Work) -> None:
    with work() as w:
        passwords.remove(w.db, ada)
    use(browser, held)
    browser.open("/account/passkeys")
    page = browser.submit(action="/account/passkeys/remove")
    assert page.status == 400
    assert "Set a password first." in page.text
