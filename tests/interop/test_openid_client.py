"""The certified npm `openid-client` signs a person in, and uses everything the discovery document offers it."""

import pytest

from tests.chromium import NewPerson
from tests.factories import PASSWORD
from tests.interop.conftest import EMAIL, Served, StartApp

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("auth_method", ["client_secret_basic", "client_secret_post", "none"])
def test_openid_client_signs_in_refreshes_revokes_introspects_and_signs_out(
    auth_method: str, served: Served, start_app: StartApp, new_person: NewPerson
) -> None:
    """Replaces: any library signs in."""
    person, app = new_person(), start_app(auth_method)
    person.open(app.listen()["open"])
    person.fill("Email address", EMAIL)
    person.fill("Password", PASSWORD)
    person.press("Sign in")
    person.expect_heading("Share your details with this app?")
    person.press("Allow")
    person.expect_heading("Back at the app")

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
