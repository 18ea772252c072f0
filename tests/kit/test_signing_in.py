"""Signing in without a browser, tokens, the clock, and what is left after a test."""

import logging
import os
import threading
from pathlib import Path

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from signet_testing.serving.loopback import NotLoopback
from signet_testing.signet import Signet
from signet_testing.user_browser import RequestRejected, SignInFailed

from tests.kit.conftest import App


def claims_of(signet: Signet, token: str) -> dict[str, object]:
    keys = KeySet.import_key_set(httpx2.get(f"{signet.issuer}/oauth2/jwks").json())
    return dict(jwt.decode(token, keys).claims)


def introspected(app: App, token: str) -> bool:
    return bool(app.post("/oauth2/introspect", {"token": token}).json()["active"])


def test_a_user_signs_in_through_the_real_pages(app: App) -> None:
    user = app.signet.user("ada@example.test", name="Ada")
    url = app.begin(state="a-state-of-the-app")
    redirect = app.signet.sign_in(url, user)
    assert redirect.startswith("http://localhost/callback?")
    assert redirect.path == redirect.removeprefix("http://localhost")
    assert redirect.parameters["state"] == "a-state-of-the-app"
    tokens = app.redeem(redirect.code).json()
    assert claims_of(app.signet, tokens["id_token"])["sub"] == user.sub
    told = app.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert told.json()["email"] == "ada@example.test"


def test_a_user_may_deny_consent(app: App) -> None:
    assert app.signet.sign_in(app.begin(), app.signet.user(), consent=False).error == "access_denied"


def test_a_user_with_a_second_factor_signs_in_again_and_again(app: App) -> None:
    user = app.signet.user(second_factor=True)
    for _ in range(2):
        redirect = app.signet.sign_in(app.begin(acr_values="aal2"), user)
        assert claims_of(app.signet, app.redeem(redirect.code).json()["id_token"])["acr"] == "aal2"


def test_the_form_of_response_mode_form_post_is_returned(app: App) -> None:
    redirect = app.signet.sign_in(app.begin(response_mode="form_post"), app.signet.user())
    assert redirect == "http://localhost/callback"
    assert redirect.form is not None
    assert redirect.code


def test_one_browser_signs_in_to_the_next_app_without_a_password(app: App) -> None:
    user, browser = app.signet.user(), app.signet.browser()
    browser.sign_in(app.begin(), email=user.email, password=user.password)
    second = App(app.signet, app.signet.client())
    assert browser.sign_in(second.begin(), email=user.email, password="not asked for").code


@pytest.mark.parametrize("wrong", [{"redirect_uri": "http://localhost/other"}, {"client_id": "unknown"}])
def test_a_sign_in_that_cannot_work_fails_with_the_page_that_signet_shows(app: App, wrong: dict[str, str]) -> None:
    with pytest.raises(SignInFailed, match=r"Signet answered 4\d\d at .*authorize"):
        app.signet.sign_in(app.begin(**wrong), app.signet.user())


@pytest.mark.parametrize(
    ("asked", "check", "advice"),
    [
        ({"code_challenge": "", "code_challenge_method": ""}, r"code_challenge \(PKCE\)", "require_pkce=False"),
        ({"scope": "openid admin:read"}, "got admin:read", "scope='…'"),
        ({"response_type": "id_token"}, "response_type is supported", "legacy_response_types=true"),
    ],
    ids=["PKCE", "scope", "response type"],
)
def test_a_rejected_request_of_the_app_fails_the_test_and_says_what_to_change(
    app: App, asked: dict[str, str], check: str, advice: str
) -> None:
    with pytest.raises(RequestRejected, match=f"(?s){check}.*To test the app as it is, .*{advice}") as caught:
        app.signet.sign_in(app.begin(**asked), app.signet.user())
    assert caught.value.redirect.startswith("http://localhost/callback")
    assert caught.value.redirect.error in {"invalid_request", "invalid_scope", "unsupported_response_type"}


def test_errors_that_the_app_did_not_cause_are_returned(app: App) -> None:
    assert app.signet.sign_in(app.begin(prompt="none"), app.signet.user()).error == "login_required"
    app.signet.faults.redirect(error="invalid_request")
    assert app.signet.sign_in(app.begin(), app.signet.user()).error == "invalid_request"


def test_a_wrong_password_is_named(app: App) -> None:
    user = app.signet.user()
    with pytest.raises(SignInFailed, match="'sign in' came again"):
        app.signet.browser().sign_in(app.begin(), email=user.email, password="wrong")


def test_a_url_of_another_site_is_refused(signet: Signet) -> None:
    with pytest.raises(ValueError, match="is not a URL of Signet"):
        signet.sign_in("https://app.example/login", signet.user())


def test_a_token_says_what_the_test_asks_for_and_is_as_real_as_any_other(app: App) -> None:
    user = app.signet.user(roles=("admin",))
    token = app.signet.token(user, scope="openid roles", acr="aal2", audience="https://api.example")
    claims = claims_of(app.signet, token)
    assert (claims["sub"], claims["acr"], claims["aud"]) == (user.sub, "aal2", "https://api.example")
    assert claims["roles"] == ["admin"]
    mine = app.signet.token(user, client=app.client)
    assert introspected(app, mine)
    app.signet.suspend(user)
    assert not introspected(app, mine)


def test_an_app_may_keep_the_client_id_and_the_secret_that_it_knows(signet: Signet) -> None:
    secret = "a secret of the app with enough characters"
    client = signet.client(client_id="the-app", client_secret=secret)
    assert (client.client_id, client.client_secret) == ("the-app", secret)
    assert App(signet, client).sign_in(signet.user())["id_token"]


def test_claims_of_a_token_can_be_replaced(signet: Signet) -> None:
    claims = claims_of(signet, signet.token(sub="anyone", claims={"tenant": "blue", "sid": None}))
    assert (claims["sub"], claims["tenant"], "sid" in claims) == ("anyone", "blue", False)


def test_a_client_has_tokens_for_itself(app: App) -> None:
    claims = claims_of(app.signet, app.signet.client_token(app.client, scope="reports:read"))
    assert (claims["sub"], claims["scope"]) == (app.client.client_id, "reports:read")


def test_the_clock_of_signet_moves(app: App) -> None:
    tokens = app.sign_in(app.signet.user())
    assert introspected(app, tokens["access_token"])
    app.signet.clock.move(hours=2)
    assert not introspected(app, tokens["access_token"])


def test_emails_are_kept(signet: Signet) -> None:
    user = signet.user("ada@example.test")
    signet.suspend(user)
    assert [(email.to, "suspended" in email.text) for email in signet.emails] == [("ada@example.test", True)]


def test_what_a_test_leaves_is_gone_after_it(signet: Signet) -> None:
    signet.client(client_id="of-the-session")
    before = signet.save()
    user = signet.user("ada@example.test")
    kid = signet.rotate_keys(unknown=True)
    signet.clock.move(days=1)
    signet.faults.fail("token")
    signet.suspend(user)
    signet.restore(before)
    assert signet.user("ada@example.test").sub != user.sub
    assert signet.clock.difference.total_seconds() == 0
    assert (len(signet.requests), signet.emails) == (0, [])
    keys = httpx2.get(f"{signet.issuer}/oauth2/jwks").json()["keys"]
    assert kid not in {key["kid"] for key in keys}
    assert signet.sign_in(App(signet, signet.client(client_id="new")).begin(), signet.user()).code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "id.example.com"])
def test_a_host_that_others_could_reach_is_refused(host: str) -> None:
    with pytest.raises(NotLoopback, match="only listens on loopback"):
        Signet(host=host)


def test_an_issuer_that_others_could_reach_is_refused() -> None:
    threads = threading.active_count()
    with pytest.raises(NotLoopback):
        Signet(settings={"issuer": "https://id.example.com"})
    assert threading.active_count() == threads


def test_nothing_is_left_of_a_closed_signet() -> None:
    root = logging.getLogger()
    before = dict(os.environ), list(root.handlers), root.level, set(threading.enumerate())
    with Signet() as signet:
        signet.suspend(signet.user())
        assert signet.emails
        folder = signet._folder
    assert (dict(os.environ), list(root.handlers), root.level, set(threading.enumerate())) == before
    assert not Path(folder).exists()


def test_two_signets_beside_each_other_know_nothing_of_each_other(signet: Signet) -> None:
    with Signet() as other:
        other.user("ada@example.test")
        assert signet.user("ada@example.test").email == "ada@example.test"
        assert other.issuer != signet.issuer


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNET_ISSUER", "https://id.example.com")
    monkeypatch.setenv("SIGNET_UNKNOWN", "1")
    with Signet(settings={"brand": "Test brand"}) as signet:
        assert httpx2.get(signet.discovery_url).json()["issuer"] == signet.issuer
        assert "Test brand" in httpx2.get(f"{signet.issuer}/login").text
