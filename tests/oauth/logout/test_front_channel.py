"""The page after a sign-out: frames for the applications that are told through the browser, and where it goes on to."""

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.oauth.conftest import Register
from tests.oauth.watched_http import WatchedClient, csrf_of
from tests.support.clock import Clock
from tests.support.installation import ISSUER
from tests.support.relying_party import RelyingParty

DONE = "/oauth2/logout/done"
BLUE = "https://blue.example.test"
OUT = "https://app.example.test/signed-out"


def frames_of(html: str) -> list[str]:
    return [found.replace("&amp;", "&") for found in re.findall(r'<iframe[^>]* src="([^"]+)"', html)]


@pytest.fixture
def green(register: Register) -> RelyingParty:
    """Wants to know which session it was."""
    return register(
        client_name="Green",
        frontchannel_logout_uri="https://app.example.test/out?tenant=7",
        frontchannel_logout_session_required=True,
        subject_type="pairwise",
    )


@pytest.fixture
def blue(register: Register) -> RelyingParty:
    return register(client_name="Blue", redirect_uris=(f"{BLUE}/callback",), frontchannel_logout_uri=f"{BLUE}/out")


def test_each_app_of_the_session_gets_a_frame_and_the_user_returns_to_the_requesting_app(
    register: Register, green: RelyingParty, blue: RelyingParty, browser: WatchedClient
) -> None:
    """Front-Channel Logout sections 2, 3; oidcc-frontchannel-rp-initiated-logout."""
    silent = register(client_name="Silent")
    told_directly = register(client_name="Told directly", backchannel_logout_uri="https://app.example.test/back")
    tokens = green.sign_in(browser)
    for rp in (blue, silent, told_directly):
        rp.sign_in(browser)
    answer = green.log_out(browser, tokens, state="a b")
    assert urlsplit(answer.headers["location"]).path == DONE
    response = browser.get(answer.headers["location"])
    frames = dict(uri.partition("?")[::2] for uri in frames_of(response.text))
    assert set(frames) == {"https://app.example.test/out", f"{BLUE}/out"}
    assert frames[f"{BLUE}/out"] == "", "iss and sid come together, or not at all"
    sid = green.verify(tokens)["sid"]
    assert dict(parse_qsl(frames["https://app.example.test/out"])) == {"tenant": "7", "iss": ISSUER, "sid": sid}
    policy = response.headers["content-security-policy"]
    assert f"frame-src https://app.example.test {BLUE};" in policy, "these and nothing else"
    assert f'href="{OUT}?state=a+b"' in response.text
    assert 'Back to <span dir="auto">Green</span>' in response.text
    assert all(name in response.text for name in ("Green", "Blue", "Told directly"))
    assert "Silent" not in response.text
    assert green.ask(browser, prompt="none").error == "login_required"


def test_a_sign_out_on_our_page_notifies_apps_by_frames_too(blue: RelyingParty, browser: WatchedClient) -> None:
    """Front-Channel Logout section 1: whatever ends the session, where a browser is at hand."""
    blue.sign_in(browser)
    answer = browser.post("/sign-out", data={"csrf_token": csrf_of(browser)}, headers={"origin": ISSUER})
    shown = browser.get(answer.headers["location"]).text
    assert frames_of(shown) == [f"{BLUE}/out"]
    assert "Sign in again" in shown


def test_the_frames_page_ends_no_session_and_expires(blue: RelyingParty, browser: WatchedClient, clock: Clock) -> None:
    """A-49: its address names what has ended; changed, or too old, it leads to the plain page."""
    address = blue.log_out(browser, blue.sign_in(browser)).headers["location"]
    ticket = parse_qs(urlsplit(address).query)["ticket"][0]
    assert browser.get(DONE, params={"ticket": ticket[:-2]}).headers["location"] == "/signed-out"
    assert browser.get(address).status_code == 200
    clock.advance(minutes=6)
    assert browser.get(address).headers["location"] == "/signed-out"


def test_without_frames_the_user_is_redirected_immediately(register: Register, browser: WatchedClient) -> None:
    rp = register(backchannel_logout_uri="https://app.example.test/back")
    assert rp.log_out(browser, rp.sign_in(browser)).headers["location"] == f"{OUT}?state=bye"
