"""Sign out at one Signet, and the other one knows (RP-Initiated Logout 1.0, Back-Channel Logout 1.0)."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.applications import Starlette

from provider.federation.store import upstream_sessions
from provider.sessions.store import find_all
from provider.work import Installation, unit_of_work
from tests.federation.two_signets.conftest import SIGNED_OUT, UPSTREAM, Go, Wire
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.deliveries import deliver_due
from tests.support.factories import make_client, make_user
from tests.support.installation import ISSUER, Work
from tests.support.people import find_user, is_signed_in, sign_in

BUTTON = "Sign out of Other Signet"
BYE = "https://app.example.test/bye"


def sign_out(browser: Browser, **form: str) -> Page:
    browser.open("/account")
    return browser.submit(form, action="/sign-out")


def sessions_at(installation: Installation) -> Sequence[Any]:
    """Ada's sessions there, the oldest first."""
    user = find_user(lambda: unit_of_work(installation))
    with unit_of_work(installation) as work:
        return find_all(work.read, user.id)


def ends_of(installation: Installation) -> list[str | None]:
    return [session.end_reason for session in sessions_at(installation)]


@pytest.fixture
def delivered(upstream: Installation, app: Starlette) -> Wire:
    """What the upstream delivers goes to the app here."""
    here = Wire(app, ISSUER)
    object.__setattr__(upstream, "outbound", here)
    return here


def test_a_sign_out_here_is_one_there(
    go: Go, browser: Browser, there: Browser, work: Work, installation: Installation, upstream: Installation
) -> None:
    """RP-Initiated Logout sections 2 and 3: with the hint, nobody is asked."""
    go()
    assert is_signed_in(there)
    page = sign_out(browser)
    assert "You're signed out here." in page.text
    url = page.links[BUTTON]
    assert f'content="0; url={url}"'.replace("&", "&amp;") in page.html
    assert not is_signed_in(browser)
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{UPSTREAM}/oauth2/logout?")
    assert asked["post_logout_redirect_uri"] == [SIGNED_OUT]
    assert asked.keys() == {"id_token_hint", "client_id", "post_logout_redirect_uri", "state"}
    there.open(url)
    assert there.left_to is not None
    assert there.left_to.startswith(f"{SIGNED_OUT}?state=")
    assert browser.open(there.left_to).path == "/signed-out"
    assert ends_of(upstream) == ["signed out by an app"]
    with work() as w:
        ended = sessions_at(installation)[0].id
        assert upstream_sessions.find(w.read, [ended]) == {}, "what was kept of the session there is deleted"


def test_the_sign_out_of_an_app_goes_on_to_the_app(go: Go, browser: Browser, there: Browser, work: Work) -> None:
    """The address of the app is reached by way of the upstream."""
    go()
    with work() as w:
        client, _ = make_client(w, client_name="An app", post_logout_redirect_uris=(BYE,))
    asked = urlencode({"client_id": client.client_id, "post_logout_redirect_uri": BYE, "state": "s&1"})
    browser.open(f"/oauth2/logout?{asked}")
    page = browser.submit(button="Sign out")
    there.open(page.links[BUTTON])
    assert there.left_to is not None
    browser.open(there.left_to)
    assert browser.left_to == f"{BYE}?state=s%261"


def test_a_user_can_stay_signed_in_there(go: Go, browser: Browser, there: Browser) -> None:
    go()
    sign_out(browser)
    assert browser.follow("Stay signed in to Other Signet").path == "/signed-out"
    assert is_signed_in(there)
    assert not is_signed_in(browser)


def test_an_upstream_that_is_down_does_not_prevent_a_sign_out(
    go: Go, browser: Browser, wire: Wire, clock: Clock, installation: Installation
) -> None:
    """N-400: our session ends first."""
    go()
    wire.is_down = True
    for _ in range(2):  # until what is known of the upstream is too old
        clock.advance(minutes=35)
        browser.open("/account")
    page = sign_out(browser)
    assert page.path == "/signed-out"
    assert ends_of(installation) == ["signed_out"]


def test_a_sign_out_that_takes_too_long_or_comes_from_elsewhere_leads_nowhere(
    go: Go, browser: Browser, there: Browser, new_browser: Callable[[], Browser], clock: Clock, work: Work
) -> None:
    """N-386: RP-Initiated Logout section 3: the state is checked, so nobody is sent on by a link of somebody else."""
    go()
    with work() as w:
        client, _ = make_client(w, client_name="An app", post_logout_redirect_uris=(BYE,))
    browser.open(f"/oauth2/logout?{urlencode({'client_id': client.client_id, 'post_logout_redirect_uri': BYE})}")
    page = browser.submit(button="Sign out")
    there.open(page.links[BUTTON])
    back = there.left_to
    assert back is not None
    stranger = new_browser()
    for url in (back, SIGNED_OUT, f"{SIGNED_OUT}?state=x", back.replace("/signet/", "/another/")):
        assert stranger.open(url).path == "/signed-out"
    assert browser.open(back.replace("/signet/", "/another/")).path == "/signed-out"
    clock.advance(minutes=31)
    assert browser.open(back).path == "/signed-out"
    assert browser.left_to is None


def test_a_session_without_the_upstream_ends_only_here(
    go: Go, browser: Browser, new_browser: Callable[[], Browser], work: Work
) -> None:
    with work() as w:
        make_user(w, "bob@example.test")
    other = new_browser()
    sign_in(other, "bob@example.test")
    assert sign_out(other).path == "/signed-out"


def test_a_sign_out_there_is_one_here(
    go: Go, browser: Browser, there: Browser, installation: Installation, upstream: Installation, delivered: Wire
) -> None:
    """Back-Channel Logout sections 2.5 to 2.8: the session of the same `sid` ends, and no other."""
    go()
    sign_out(there)
    assert deliver_due(upstream) == 1
    assert len(delivered.forms) == 1
    assert ends_of(installation) == ["signed_out_upstream"]
    assert not is_signed_in(browser)
    assert browser.open("/login").path == "/login"
    assert deliver_due(upstream) == 0, "the answer was 200"
    go()
    assert is_signed_in(browser)


def test_a_sign_out_there_ends_only_the_sessions_that_came_from_it(
    go: Go, browser: Browser, there: Browser, installation: Installation, upstream: Installation, delivered: Wire
) -> None:
    go()
    for one in (browser, there):
        one.cookies.clear()
    go()
    sign_out(there)
    deliver_due(upstream)
    assert ends_of(installation) == [None, "signed_out_upstream"]
