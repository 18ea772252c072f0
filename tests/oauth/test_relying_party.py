"""The whole main path once, as a relying party sees it."""

from tests.oauth.watched_http import WatchedClient
from tests.support.relying_party import RelyingParty


def test_a_person_signs_in_and_the_app_knows_who(rp: RelyingParty, browser: WatchedClient, ada: str) -> None:
    """OIDC Core section 3.1."""
    tokens = rp.sign_in(browser, scope="openid profile email")
    assert rp.verify(tokens)["sub"] == ada
    assert rp.userinfo(tokens).json()["name"] == "Ada Lovelace"
    again = rp.refresh(tokens)
    assert rp.verify(again, refreshed=True)["sub"] == ada
    assert rp.is_active(again.access_token)
    assert rp.revoke(again.refresh_token).status_code == 200
    assert not rp.is_active(again.access_token)
    response = rp.log_out(browser, tokens)
    assert response.headers["location"] == "https://app.example.test/signed-out?state=bye"
