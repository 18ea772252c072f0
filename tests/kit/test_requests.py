"""What an app sent is noted, and assertions say what is wrong with it."""

import pytest
from signet_testing.signet import Signet

from tests.kit.conftest import App


def test_a_safe_sign_in_passes(app: App) -> None:
    app.sign_in(app.signet.user())
    app.signet.requests.assert_safe_sign_in("http://localhost/callback")
    app.signet.requests.assert_nonce()
    assert app.signet.requests.last("token").client_id == app.client.client_id
    assert [one.status for one in app.signet.requests.to("token")] == [200]


def test_a_pushed_sign_in_passes(app: App) -> None:
    asked = dict(pair.split("=") for pair in app.begin(redirect_uri="", scope="openid").partition("?")[2].split("&"))
    pushed = app.post("/oauth2/par", {**asked, "redirect_uri": app.client.redirect_uri}).json()
    url = f"/oauth2/authorize?client_id={app.client.client_id}&request_uri={pushed['request_uri']}"
    app.redeem(app.signet.sign_in(url, app.signet.user()).code)
    app.signet.requests.assert_safe_sign_in("http://localhost/callback")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code_challenge": "", "code_challenge_method": ""}, "turn on PKCE"),
        ({"code_challenge_method": ""}, "missing .which means plain.: use S256"),
        ({"state": ""}, "no state: another site could sign a user in"),
        ({"state": "1"}, "state is '1', which can be guessed"),
        ({"response_type": "code id_token"}, "tokens in a URL"),
    ],
)
def test_an_unsafe_sign_in_is_explained(app: App, changes: dict[str, str], message: str) -> None:
    app.http.get(app.begin(**changes))
    with pytest.raises(AssertionError, match=message):
        app.signet.requests.assert_safe_sign_in()


def test_a_verifier_of_another_challenge_is_found(app: App) -> None:
    app.http.get(app.begin())
    app.redeem("a code", code_verifier="w" * 43)
    with pytest.raises(AssertionError, match="is not the one that code_challenge was computed from"):
        app.signet.requests.assert_pkce()


def test_a_state_that_is_used_twice_is_found(app: App) -> None:
    for _ in range(2):
        app.http.get(app.begin(state="always the same"))
    with pytest.raises(AssertionError, match="was used for two sign-ins"):
        app.signet.requests.assert_state()


def test_a_redirect_uri_that_differs_is_shown(app: App) -> None:
    app.http.get(app.begin())
    with pytest.raises(AssertionError, match="redirect_uri is 'http://localhost/callback', not 'http://localhost/cb'"):
        app.signet.requests.assert_redirect_uri("http://localhost/cb")


def test_an_app_that_sent_nothing_is_shown_what_it_sent(signet: Signet) -> None:
    with pytest.raises(AssertionError, match=r"the app sent no authorization request\. It sent:\n  nothing"):
        signet.requests.assert_pkce()
