"""Each fault on demand happens, as often as it should, and ends."""

import time
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from signet_testing.signet import Signet

from provider.jose.algorithms import half_hash
from tests.kit.conftest import App
from tests.kit.listener import Listener
from tests.support.cases import in_one_world


def key_set(signet: Signet) -> KeySet:
    return KeySet.import_key_set(httpx2.get(f"{signet.issuer}/oauth2/jwks").json())


def read(signet: Signet, token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, key_set(signet)).claims)


def test_an_endpoint_fails_as_often_as_asked(app: App) -> None:
    app.signet.faults.fail("jwks", status=502, times=2)
    assert [app.http.get("/oauth2/jwks").status_code for _ in range(3)] == [502, 502, 200]


def test_a_fault_ends_with_its_block(app: App) -> None:
    with app.signet.faults.fail("/oauth2/token") as fault:
        assert app.redeem("x").status_code == 503
    assert app.redeem("x").status_code == 400
    assert fault.happened == 1


def test_an_unknown_endpoint_is_refused(signet: Signet) -> None:
    with pytest.raises(ValueError, match="Use a path, or one of"):
        signet.faults.fail("tokens")


def test_an_endpoint_is_slow(app: App) -> None:
    app.signet.faults.slow("discovery", seconds=0.2, times=1)
    begun = time.monotonic()
    app.http.get("/.well-known/openid-configuration")
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("over_a_socket", [True, False])
def test_an_answer_is_lost_after_the_work_was_done(app: App, over_a_socket: bool) -> None:
    code = app.signet.sign_in(app.begin(), app.signet.user()).code
    app.signet.faults.lose_answer("token")
    if over_a_socket:
        app.http = httpx2.Client(base_url=app.signet.issuer)
    with app.http, pytest.raises(httpx2.RemoteProtocolError):
        app.redeem(code)
    app.http = httpx2.Client(transport=app.signet.transport(), base_url=app.signet.issuer)
    assert app.redeem(code).json()["error"] == "invalid_grant"  # the code is spent


@in_one_world(
    ("wrong", "claim", "problem"),
    [
        ("expired", "exp", lambda value, now: value < now - 3000),
        ("not_yet_valid", "nbf", lambda value, now: value > now + 3000),
        ("wrong_issuer", "iss", lambda value, now: value == "https://attacker.example"),
        ("wrong_audience", "aud", lambda value, now: value == "another-audience"),
    ],
)
def test_tokens_are_wrong_in_the_way_asked_for(app: App, wrong: str, claim: str, problem: Any) -> None:
    chosen: dict[str, Any] = {wrong: True}
    assert problem(read(app.signet, app.signet.token(**chosen))[claim], time.time())


def test_tokens_of_the_token_endpoint_are_wrong_too(app: App) -> None:
    app.signet.faults.id_token(expired=True)
    app.signet.faults.access_token(wrong_audience=True)
    tokens = app.sign_in(app.signet.user())
    assert read(app.signet, tokens["id_token"])["exp"] < time.time() - 3000
    assert read(app.signet, tokens["access_token"])["aud"] == "another-audience"


def test_faults_reach_what_the_browser_carries_to_the_app() -> None:
    with Signet(settings={"legacy_response_types": "true"}) as signet:
        app = App(signet, signet.client(response_types=["id_token token", "code"]))
        signet.faults.redirect(state='<"forged">', iss=None)
        for mode in ("form_post", "fragment"):
            signet.faults.id_token(expired=True, times=1)
            signet.faults.access_token(wrong_audience=True, times=1)
            url = app.begin(response_type="id_token token", response_mode=mode)
            given = signet.sign_in(url, signet.user()).parameters
            claims = read(signet, given["id_token"])
            assert claims["exp"] < time.time() - 3000, mode
            assert claims["at_hash"] == half_hash(given["access_token"], "RS256")
            assert (given["state"], "iss" in given) == ('<"forged">', False)
        signet.faults.redirect(error="server_error")
        denied = signet.sign_in(app.begin(response_mode="form_post"), signet.user())
        assert (denied.error, denied.code) == ("server_error", None)


def test_tokens_have_a_foreign_signature_or_none(app: App) -> None:
    app.signet.faults.id_token(foreign_key=True, times=1)
    with pytest.raises(JoseError):
        read(app.signet, app.sign_in(app.signet.user())["id_token"])
    assert app.signet.token(unsigned=True).endswith(".")
    with pytest.raises(JoseError):
        read(app.signet, app.signet.token(foreign_key=True))


def test_a_changed_access_token_still_belongs_to_its_id_token(app: App) -> None:
    """OIDC Core section 3.1.3.6: else an app would reject the ID token, and never see the access token."""
    app.signet.faults.access_token(expired=True)
    tokens = app.sign_in(app.signet.user())
    assert read(app.signet, tokens["id_token"])["at_hash"] == half_hash(tokens["access_token"], "RS256")


def test_the_nonce_of_an_id_token_can_be_another(app: App) -> None:
    app.signet.faults.id_token(claims={"nonce": "of another sign-in"})
    assert read(app.signet, app.sign_in(app.signet.user())["id_token"])["nonce"] == "of another sign-in"


def test_the_next_key_is_known_before_it_signs(signet: Signet) -> None:
    known = {key.kid for key in key_set(signet).keys}
    assert signet.rotate_keys() in known
    assert signet.rotate_keys(unknown=True) not in known


def test_a_new_key_may_come_late(signet: Signet) -> None:
    old = signet.token()
    kid = signet.rotate_keys(late=1)
    fresh = signet.token()
    with pytest.raises((JoseError, ValueError)):
        read(signet, fresh)
    assert read(signet, fresh)
    assert read(signet, old)
    assert kid in {key.kid for key in key_set(signet).keys}


def test_a_revoked_key_leaves_the_key_set(signet: Signet) -> None:
    old = signet.token()
    signet.rotate_keys(revoke=True)
    with pytest.raises((JoseError, ValueError)):
        read(signet, old)


def test_discovery_names_another_issuer(app: App) -> None:
    app.signet.faults.discovery()
    assert app.http.get("/.well-known/openid-configuration").json()["issuer"] == "https://attacker.example"


def test_the_redirect_has_another_state_or_issuer_or_an_error(app: App) -> None:
    user = app.signet.user()
    with app.signet.faults.redirect(state="forged", iss="https://attacker.example"):
        wrong = app.signet.sign_in(app.begin(), user).parameters
    assert (wrong["state"], wrong["iss"]) == ("forged", "https://attacker.example")
    app.signet.faults.redirect(error="temporarily_unavailable", times=1)
    redirect = app.signet.sign_in(app.begin(), user)
    assert (redirect.error, redirect.code) == ("temporarily_unavailable", None)
    assert app.signet.sign_in(app.begin(), user).code


def test_the_user_that_userinfo_names_is_another(app: App) -> None:
    app.signet.faults.userinfo(sub="someone else")
    told = app.http.get("/oauth2/userinfo", headers={"authorization": f"Bearer {app.signet.token()}"})
    assert told.json()["sub"] == "someone else"


def test_an_account_is_suspended_in_the_middle_of_a_session(app: App) -> None:
    user = app.signet.user()
    tokens = app.sign_in(user)
    app.signet.suspend(user)
    again = app.post("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert again.json()["error"] == "invalid_grant"


def test_a_back_channel_logout_arrives_or_is_lost(signet: Signet) -> None:
    received: list[str] = []
    listener = Listener(received)
    app = App(signet, signet.client(backchannel_logout_uri=f"{listener.url}/logout"))
    user = signet.user()
    app.sign_in(user)
    signet.sign_out(user)
    [sent] = signet.logouts
    assert (received, sent.status, sent.path) == ([f"logout_token={sent.token}"], 200, "/logout")
    app.sign_in(user)
    signet.faults.drop_logout()
    signet.sign_out(user)
    assert (len(received), len(signet.logouts)) == (1, 1)
    listener.close()


def test_a_back_channel_logout_of_an_app_without_a_port_is_kept_for_its_test(signet: Signet) -> None:
    client = signet.client(backchannel_logout_uri="http://localhost:9/logout?app=1")
    user = signet.user()
    signet.token(user, client=client)
    signet.faults.logout_token(wrong_audience=True, header={"typ": "JWT"}, times=1)
    signet.suspend(user)
    [sent] = signet.logouts
    assert (sent.path, sent.status, sent.form) == ("/logout?app=1", None, {"logout_token": sent.token})
    assert read(signet, sent.token)["aud"] == "another-audience"
    assert jws.extract_compact(sent.token.encode()).headers()["typ"] == "JWT"
