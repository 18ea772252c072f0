"""Two-factor authentication by API."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from provider.accounts.factors import second_factor
from tests.api.conftest import API, App, Caller, problem, turn_on_two_factor
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD
from tests.support.fake_factor import FakeFactor
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER
from tests.support.people import ADDRESS, code_of, is_signed_in, sign_in


def test_set_up_shows_key_and_picture_and_counts_after_a_valid_code(as_ada: Caller, clock: Clock, inbox: Inbox) -> None:
    """A-68: the key is shown until it is confirmed and never again. Replaces: TOTP set-up and removal."""
    assert as_ada.get("/two-factor") == {"enabled": False, "setting_up": False, "recovery_codes_left": 0}
    begun = as_ada("POST", "/two-factor")
    assert begun.status_code == 201
    key = begun.json()["key"]
    assert begun.json()["uri"].startswith("otpauth://totp/Signet:ada%40example.test?secret=" + key)
    assert as_ada.get("/two-factor/key") == begun.json()
    picture = as_ada("GET", "/two-factor/qr-code")
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg")
    headers = {"authorization": f"Bearer {as_ada.token}", "accept": "image/png"}
    drawn = as_ada.http.get(f"{API}/two-factor/qr-code", headers=headers)
    assert (drawn.headers["content-type"], drawn.headers["vary"]) == ("image/png", "Accept")
    assert drawn.headers["vary"] == picture.headers["vary"]
    with Image.open(io.BytesIO(drawn.content)) as image:
        assert image.format == "PNG"
        assert image.width == image.height >= 200
    assert as_ada.get("/two-factor")["setting_up"]
    assert problem(as_ada("POST", "/two-factor/confirm", code="000000")) == "wrong-first-code"
    assert not as_ada.get("/two-factor")["enabled"]
    confirmed = as_ada("POST", "/two-factor/confirm", code=code_of(key, clock.now))
    assert len(set(confirmed.json()["codes"])) == 10
    assert as_ada.get("/two-factor") == {"enabled": True, "setting_up": False, "recovery_codes_left": 10}
    assert problem(as_ada("GET", "/two-factor/key")) == "enrolment-gone"
    assert problem(as_ada("POST", "/two-factor/confirm", code=code_of(key, clock.now))) == "enrolment-gone"
    assert inbox.latest(ADDRESS).subject == "Two-factor authentication is on for your Signet account"


def test_it_works_at_the_next_sign_in(app_of_ours: App, as_ada: Caller, clock: Clock) -> None:
    key, codes = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=1)
    assert app_of_ours.sign_in(otp=code_of(key, clock.now)).get("/recovery-codes") == {"left": 10}
    answer = app_of_ours.challenge()
    done = app_of_ours.challenge(auth_session=answer.json()["auth_session"], recovery_code=codes[0])
    assert done.status_code == 200
    assert as_ada.get("/recovery-codes") == {"left": 9}


def test_another_app_cannot_confirm_a_set_up(register_app: Callable[..., App], as_ada: Caller, clock: Clock) -> None:
    """A-68: not even with the right code."""
    key = as_ada("POST", "/two-factor").json()["key"]
    other = register_app().sign_in()
    assert problem(other("GET", "/two-factor/key")) == "enrolment-gone"
    assert problem(other("POST", "/two-factor/confirm", code=code_of(key, clock.now))) == "enrolment-gone"


def test_setting_up_needs_a_recent_proof(as_ada: Caller, clock: Clock) -> None:
    """A-68, A-74; RFC 9470 says how to get one."""
    clock.advance(minutes=9)
    key = as_ada("POST", "/two-factor").json()["key"]
    clock.advance(minutes=7)
    for method, path, body in (
        ("POST", "/two-factor", {}),
        ("GET", "/two-factor/key", {}),
        ("GET", "/two-factor/qr-code", {}),
        ("POST", "/two-factor/confirm", {"code": code_of(key, clock.now)}),
    ):
        refused = as_ada(method, path, **body)
        assert problem(refused) == "confirmation-needed"
        assert refused.headers["www-authenticate"] == (
            'Bearer realm="signet", error="insufficient_user_authentication", max_age="900", '
            f'resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/api/account"'
        )


def test_turning_off_needs_a_live_unused_code(as_ada: Caller, clock: Clock, inbox: Inbox) -> None:
    """A-74."""
    key, _ = turn_on_two_factor(as_ada, clock)
    assert problem(as_ada("POST", "/two-factor/disable", code=code_of(key, clock.now))) == "used-second-factor"
    assert problem(as_ada("POST", "/two-factor/disable", code="aaaa-aaaa-aaaa-aaaa")) == "wrong-recovery-code"
    clock.advance(minutes=1)
    assert as_ada("POST", "/two-factor/disable", code=code_of(key, clock.now)).status_code == 204
    assert not as_ada.get("/two-factor")["enabled"]
    assert inbox.latest(ADDRESS).subject == "Two-factor authentication is off for your Signet account"
    assert problem(as_ada("POST", "/two-factor/disable", code=code_of(key, clock.now))) == "not-turned-on"


def test_a_recovery_code_turns_it_off_once(as_ada: Caller, clock: Clock) -> None:
    """A-72: upper case and spaces do not matter."""
    _, codes = turn_on_two_factor(as_ada, clock)
    assert as_ada("POST", "/two-factor/disable", code=codes[0].upper().replace("-", " ")).status_code == 204


def test_a_token_from_before_the_factor_must_show_it(
    register_app: Callable[..., App], as_ada: Caller, clock: Clock
) -> None:
    """A-74: by a session that itself lacks the factor."""
    other = register_app().sign_in()
    key, codes = turn_on_two_factor(as_ada, clock)
    for method, path, body in (
        ("POST", "/two-factor", {}),
        ("POST", "/two-factor/disable", {"code": codes[0]}),
        ("POST", "/recovery-codes", {}),
    ):
        refused = other(method, path, **body)
        assert problem(refused) == "second-factor-needed"
        assert 'acr_values="aal2"' in refused.headers["www-authenticate"]
    assert as_ada.get("/two-factor")["enabled"]
    assert problem(other("POST", "/confirm-password", password=PASSWORD)) == "code-needed"
    clock.advance(minutes=1)
    window = other("POST", "/confirm-password", password=PASSWORD, code=code_of(key, clock.now))
    assert window.json()["acr"] == "aal2"
    assert len(other("POST", "/recovery-codes").json()["codes"]) == 10


def test_an_old_set_of_recovery_codes_is_worth_nothing(as_ada: Caller, clock: Clock) -> None:
    """A-72. Replaces: recovery codes."""
    _, old = turn_on_two_factor(as_ada, clock)
    renewed = as_ada("POST", "/recovery-codes")
    assert renewed.status_code == 201
    assert set(renewed.json()["codes"]).isdisjoint(old)
    assert problem(as_ada("POST", "/two-factor/disable", code=old[0])) == "wrong-recovery-code"
    assert as_ada("POST", "/two-factor/disable", code=renewed.json()["codes"][0]).status_code == 204
    assert problem(as_ada("POST", "/recovery-codes")) == "not-turned-on"


def test_five_wrong_codes_close_the_window(as_ada: Caller, clock: Clock, unlimited: None) -> None:
    """A-66: one counter for every place a code is typed."""
    turn_on_two_factor(as_ada, clock)
    for _ in range(4):
        assert problem(as_ada("POST", "/two-factor/disable", code="000000")) == "wrong-second-factor"
    assert problem(as_ada("POST", "/two-factor/disable", code="000000")) == "sign-in-over"
    assert as_ada("POST", "/two-factor/disable", code="000000").status_code == 401


def test_browsers_without_the_factor_are_signed_out(as_ada: Caller, browser: Browser, clock: Clock) -> None:
    sign_in(browser)
    turn_on_two_factor(as_ada, clock)
    assert not is_signed_in(browser)
    assert as_ada.get("/two-factor")["enabled"]


@pytest.mark.parametrize("path", ["/two-factor", "/recovery-codes"])
def test_nothing_of_the_codes_is_ever_read_again(as_ada: Caller, clock: Clock, path: str) -> None:
    """A-72, A-104."""
    key, codes = turn_on_two_factor(as_ada, clock)
    text = as_ada("GET", path).text
    assert key not in text
    assert not any(code in text for code in codes)


def test_five_wrong_codes_need_the_password_again(
    app_of_ours: App, as_ada: Caller, clock: Clock, unlimited: None
) -> None:
    """A-66: also right after a sign-in with both factors, which counts no more."""
    key, codes = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=1)
    fresh = app_of_ours.sign_in(otp=code_of(key, clock.now))
    clock.advance(minutes=1)
    assert fresh.get("/confirm-password")["confirmed"]
    kinds = [problem(fresh("POST", "/two-factor/disable", code="000000")) for _ in range(5)]
    assert kinds == ["wrong-second-factor"] * 4 + ["sign-in-over"]
    right = code_of(key, clock.now)
    assert problem(fresh("POST", "/two-factor/disable", code=right)) == "confirmation-needed"
    assert problem(fresh("POST", "/confirm-password", password="wrong", code=right)) == "not-the-password"
    status = fresh.get("/confirm-password")
    assert not status["confirmed"]
    assert "confirmed_at" not in status
    assert problem(fresh("POST", "/two-factor/disable", code=right)) == "confirmation-needed"
    assert fresh("POST", "/confirm-password", password=PASSWORD, code=right).json()["confirmed"]
    assert fresh("POST", "/two-factor/disable", code=codes[0]).status_code == 204


def test_a_factor_that_joined_is_in_the_status_and_confirms(
    as_ada: Caller, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeFactor()
    monkeypatch.setattr(second_factor, "FACTORS", fake.join())
    assert not as_ada.get("/two-factor")["enabled"]
    fake.set_up(ada, '{"gesture": 1}', '{"gesture": 2}')
    assert as_ada.get("/two-factor") == {"enabled": True, "setting_up": False, "recovery_codes_left": 0}
    assert problem(as_ada("POST", "/two-factor")) == "second-factor-needed"
    answer = as_ada("POST", "/confirm-password", password=PASSWORD, code='{"gesture": 1}')
    assert answer.json()["acr"] == "aal2"
    assert as_ada("POST", "/two-factor/disable", code='{"gesture": 2}').status_code == 204
    assert not as_ada.get("/two-factor")["enabled"]


def test_several_apps_are_listed_named_moved_and_removed(
    as_ada: Caller, app_of_ours: App, clock: Clock, inbox: Inbox
) -> None:
    key, _ = turn_on_two_factor(as_ada, clock)
    (first,) = as_ada.get("/authenticator-apps")["authenticator_apps"]
    assert first["name"] == "Authenticator app"
    added = as_ada("POST", "/authenticator-apps").json()["key"]
    confirmed = as_ada("POST", "/two-factor/confirm", code=code_of(added, clock.now), name=" Tablet ")
    assert confirmed.json() == {"codes": []}
    assert as_ada.get("/recovery-codes") == {"left": 10}
    assert problem(as_ada("POST", "/two-factor")) == "several-authenticator-apps"
    clock.advance(minutes=1)
    fresh = app_of_ours.sign_in(otp=code_of(added, clock.now))
    first, tablet = fresh.get("/authenticator-apps")["authenticator_apps"]
    assert (first["name"], tablet["name"]) == ("Authenticator app", "Tablet")
    assert "last_used_at" in tablet
    assert "last_used_at" not in first
    path = f"/authenticator-apps/{tablet['id']}"
    assert fresh("PATCH", path, name="Big tablet").status_code == 204
    assert problem(fresh("PATCH", path, name=" ")) == "invalid-body"
    moved = fresh("POST", f"{path}/move").json()["key"]
    assert len(fresh("POST", "/two-factor/confirm", code=code_of(moved, clock.now)).json()["codes"]) == 10
    assert "Big tablet" in inbox.latest(ADDRESS).text
    for method, gone in (
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/move"),
        ("DELETE", "/authenticator-apps/x"),
    ):
        assert (
            problem(fresh(method, gone, **({"name": "x"} if method == "PATCH" else {}))) == "no-such-authenticator-app"
        )
    first, tablet = fresh.get("/authenticator-apps")["authenticator_apps"]
    assert fresh("DELETE", f"/authenticator-apps/{first['id']}").status_code == 204
    assert problem(fresh("DELETE", f"/authenticator-apps/{tablet['id']}")) == "only-authenticator-app"
    clock.advance(minutes=1)
    assert problem(fresh("POST", "/two-factor/disable", code=code_of(key, clock.now))) == "wrong-second-factor"
    assert fresh("POST", "/two-factor/disable", code=code_of(moved, clock.now)).status_code == 204
    assert fresh.get("/authenticator-apps") == {"authenticator_apps": []}
