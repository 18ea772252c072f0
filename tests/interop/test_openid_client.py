"""The certified npm `openid-client` signs a person in, and uses everything the discovery document offers it."""

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.interop.conftest import EMAIL, Served, StartApp, sign_in_at
from tests.support.chromium import NewPerson
from tests.support.factories import PASSWORD

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("auth_method", "alg"),
    [
        ("client_secret_basic", None),
        ("none", None),
        pytest.param("client_secret_post", None, marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("client_secret_basic", "PS256", marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("client_secret_basic", "ES256", marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("client_secret_basic", "EdDSA", marks=[pytest.mark.slow, pytest.mark.nightly]),
        pytest.param("client_secret_basic", "Ed25519", marks=[pytest.mark.slow, pytest.mark.nightly]),
    ],
)
def test_openid_client_signs_in_refreshes_revokes_introspects_and_signs_out(
    auth_method: str, alg: str | None, served: Served, start_app: StartApp, new_person: NewPerson
) -> None:
    """Replaces: any library signs in. It verifies the ID token, and userinfo that it is registered to get signed."""
    signed = {} if alg is None else {"id_token_signed_response_alg": alg, "userinfo_signed_response_alg": alg}
    person, app = new_person(), start_app(auth_method, **signed)
    sign_in_at(app, person)

    learned = app.listen()
    claims, userinfo = learned["claims"], learned["userinfo"]
    assert claims["iss"] == served.issuer
    assert claims["sub"] == userinfo["sub"] == learned["refreshed"]["sub"]
    assert claims["auth_time"] == learned["refreshed"]["auth_time"]
    assert (userinfo["email"], userinfo["email_verified"]) == (EMAIL, True)
    assert (userinfo["name"], userinfo["family_name"]) == ("Ada Lovelace", "Lovelace")
    assert learned["token_type"] == "bearer"
    assert set(learned["scope"].split()) == {"openid", "profile", "email", "offline_access"}
    assert learned["rotated"]
    assert learned["refusal"] == "invalid_grant", "a revoked refresh token still worked"
    if auth_method != "none":
        assert learned["before"]["active"]
        assert learned["before"]["sub"] == claims["sub"]
        assert learned["after"] == {"active": False}, "an access token outlived the grant it came from"

    person.open(app.listen()["open"])
    person.expect_heading("Back at the app")
    person.open(app.listen()["open"])
    person.expect_heading("Back at the app")
    ended = app.listen()
    assert ended == {"state_kept": True, "signed_out_at": "/signed-out", "error": "login_required"}


@pytest.mark.slow
@pytest.mark.parametrize("alg", ["RSA-OAEP-256", "ECDH-ES"])
def test_openid_client_opens_what_is_encrypted_to_its_key(alg: str, start_app: StartApp, new_person: NewPerson) -> None:
    """OIDC Core section 10.2: signed and then encrypted, ID tokens and userinfo."""
    about: Any = {"kid": "own", "use": "enc"}
    key = RSAKey.generate_key(2048, about) if alg == "RSA-OAEP-256" else ECKey.generate_key("P-256", about)
    person, app = (
        new_person(),
        start_app(
            "client_secret_basic",
            own_key={name: value for name, value in key.as_dict(private=True).items() if name != "use"},
            jwks={"keys": [key.as_dict(private=False)]},
            id_token_encrypted_response_alg=alg,
            id_token_encrypted_response_enc="A256GCM",
            userinfo_signed_response_alg="ES256",
            userinfo_encrypted_response_alg=alg,
            userinfo_encrypted_response_enc="A256GCM",
        ),
    )
    sign_in_at(app, person)
    learned = app.listen()
    assert learned["claims"]["sub"] == learned["userinfo"]["sub"] == learned["refreshed"]["sub"]
    assert app.listen() == {"encrypted": True}


@pytest.mark.slow
@pytest.mark.parametrize("auth_method", ["client_secret_basic", "none"])
def test_openid_client_is_a_device(
    auth_method: str, served: Served, start_app: StartApp, new_person: NewPerson
) -> None:
    """RFC 8628; and RFC 9701: it verifies what introspection says of its token."""
    device = start_app(
        auth_method,
        app="device",
        grant_types=("urn:ietf:params:oauth:grant-type:device_code", "refresh_token"),
        introspection_signed_response_alg="ES256",
    )
    person, shown = new_person(), device.listen()
    person.open(shown["open"])
    person.fill("Email address", EMAIL)
    person.fill("Password", PASSWORD)
    person.press("Sign in")
    person.expect_heading("Connect this device?")
    person.expect_text(shown["user_code"])
    person.press("Allow")
    person.expect_heading("Device connected")
    learned = device.listen()
    assert learned["claims"]["iss"] == served.issuer
    assert learned["userinfo"]["email"] == EMAIL
    assert learned["rotated"]
    if auth_method != "none":
        assert learned["introspected"]["active"]
        assert learned["introspected"]["sub"] == learned["claims"]["sub"]
