"""Passkeys besides our own pages: the well-known documents, and first-party apps at registered origins."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from provider.accounts.factors.passkey_origins import app_origins, documents
from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings
from provider.oauth.first_party import passkey_sign_in
from tests.api.conftest import SCOPE, VERIFIER, App
from tests.support.authenticator import Authenticator, decode, question_of
from tests.support.browser import Browser
from tests.support.factories import make_user
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.people import sign_in
from tests.support.relying_party import challenge_of

FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))
ANDROID = "android:apk-key-hash:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
SHOP = "https://shop.example.test"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(
        database_url,
        passkey_related_origins=SHOP,
        passkey_android_apps=f"com.example.app={FINGERPRINT}",
        passkey_apple_apps="ABCDE12345.com.example.app",
    )


@pytest.fixture
def phone(browser: Browser, work: Work) -> Authenticator:
    """A passkey of Ada, made on the page."""
    with work() as w:
        make_user(w)
    sign_in(browser)
    device = Authenticator()
    browser.submit(
        {"credential": device.create(question_of(browser.open("/account/passkeys")))}, action="/account/passkeys"
    )
    return device


def begin(app: App, **more: str) -> dict[str, Any]:
    pkce = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    response = app.rp.post("/oauth2/authorize-challenge", scope=SCOPE, passkey="true", **pkce, **more)
    assert response.status_code == 403, response.text
    answer: dict[str, Any] = response.json()
    assert answer["error"] == "insufficient_authorization"
    return answer


def test_the_documents_say_what_the_settings_say(client: TestClient) -> None:
    """W3C passkey endpoints; WebAuthn Level 3 section 5.11; Digital Asset Links; associated domains."""
    page = f"{ISSUER}/account/passkeys"
    assert client.get("/.well-known/passkey-endpoints").json() == {"enroll": page, "manage": page}
    assert client.get("/.well-known/webauthn").json() == {"origins": [ISSUER, SHOP]}
    (statement,) = client.get("/.well-known/assetlinks.json").json()
    assert statement["target"]["sha256_cert_fingerprints"] == [FINGERPRINT]
    association = client.get("/.well-known/apple-app-site-association")
    assert association.json() == {"webcredentials": {"apps": ["ABCDE12345.com.example.app"]}}
    assert association.headers["content-type"] == "application/json"
    assert client.get("/.well-known/change-password", follow_redirects=False).status_code in {302, 303}


def test_documents_of_which_nothing_is_set_do_not_exist(database_url: str) -> None:
    plain = settings_for(database_url)
    assert list(documents(plain)) == ["/.well-known/passkey-endpoints"]
    assert app_origins(plain) == []


def test_the_origin_of_an_android_app_is_the_hash_of_its_certificate(settings: Settings) -> None:
    assert app_origins(settings) == [ISSUER, ANDROID, SHOP]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNET_PASSKEY_ANDROID_APPS", "com.example.app"),
        ("SIGNET_PASSKEY_ANDROID_APPS", "com.example.app=AB:CD"),
        ("SIGNET_PASSKEY_ANDROID_APPS", f"app={FINGERPRINT}"),
        ("SIGNET_PASSKEY_APPLE_APPS", "com.example.app"),
        ("SIGNET_PASSKEY_RELATED_ORIGINS", "shop.example.test"),
        ("SIGNET_PASSKEY_RELATED_ORIGINS", "http://shop.example.test"),
        ("SIGNET_PASSKEY_RELATED_ORIGINS", "https://shop.example.test/path"),
    ],
)
def test_what_is_no_app_or_origin_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({"SIGNET_ISSUER": "http://localhost:8000", name: value})


def test_without_registered_origins_a_passkey_needs_a_browser(
    register_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First-Party Applications section 5.2.2.1: redirect_to_web."""
    monkeypatch.setattr(passkey_sign_in, "app_origins", lambda _settings: [])
    pkce = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    response = register_app().rp.post("/oauth2/authorize-challenge", scope=SCOPE, passkey="true", **pkce)
    assert (response.status_code, response.json()["error"]) == (400, "redirect_to_web")


@pytest.mark.parametrize("origin", [ISSUER, ANDROID, SHOP])
def test_an_app_at_a_registered_origin_signs_in_with_a_passkey(
    app_of_ours: App, phone: Authenticator, origin: str
) -> None:
    asked = begin(app_of_ours)
    phone.origin = origin
    answer = app_of_ours.challenge(auth_session=asked["auth_session"], credential=phone.get(asked["passkey"]))
    payload = app_of_ours.redeem(answer)["id_token"].split(".")[1]
    claims = json.loads(decode(payload))
    assert (claims["acr"], claims["amr"]) == ("aal2", ["swk", "user", "mfa"])


WRONG: dict[str, dict[str, Any]] = {
    "another app": {"origin": "android:apk-key-hash:other"},
    "another site": {"origin": "https://evil.example"},
    "nobody verified": {"flags": 0x19},
    "a wrong signature": {"signature": b"wrong"},
    "another challenge": {"challenge": "AAAA"},
}


def test_other_answers_are_refused(app_of_ours: App, phone: Authenticator) -> None:
    for name, wrong in WRONG.items():
        asked = begin(app_of_ours)
        phone.origin = ANDROID
        credential = phone.get(asked["passkey"], **wrong)
        answer = app_of_ours.challenge(auth_session=asked["auth_session"], credential=credential)
        assert (answer.status_code, answer.json()["error"]) == (400, "access_denied"), name
    assert app_of_ours.challenge(auth_session=begin(app_of_ours)["auth_session"]).json()["error"] == "invalid_request"


def test_parameters_of_the_wrong_syntax_are_refused_by_name(app_of_ours: App) -> None:
    """RFC 6749 section 5.2; WebAuthn Level 3 section 7.2."""
    pkce = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    refused = app_of_ours.rp.post("/oauth2/authorize-challenge", scope=SCOPE, passkey="yes", **pkce).json()
    assert (refused["error"], refused["error_description"]) == ("invalid_request", "passkey must be true or false")
    session = begin(app_of_ours)["auth_session"]
    for credential in ("x", "[]", '"{}"', '{"id": "\x00"}'):
        refused = app_of_ours.challenge(auth_session=session, credential=credential).json()
        assert refused["error"] == "invalid_request", credential
        assert refused["error_description"] == "credential must be a JSON object"


def test_an_answer_is_for_one_auth_session_and_works_once(app_of_ours: App, phone: Authenticator) -> None:
    first, second = begin(app_of_ours), begin(app_of_ours)
    phone.origin = ANDROID
    credential = phone.get(first["passkey"])
    assert app_of_ours.challenge(auth_session=second["auth_session"], credential=credential).status_code == 400
    assert app_of_ours.challenge(auth_session=first["auth_session"], credential=credential).status_code == 200
    assert app_of_ours.challenge(auth_session=first["auth_session"], credential=credential).status_code == 400


def test_the_pages_take_no_answer_of_an_app(browser: Browser, phone: Authenticator) -> None:
    browser.submit(action="/sign-out")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    assert browser.submit({"credential": phone.get(options, origin=ANDROID)}).status == 400
