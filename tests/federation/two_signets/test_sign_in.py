"""One Signet signs people in at another: the whole way, with nothing faked but the wire."""

from starlette.applications import Starlette

from provider.oauth.clients import clients, secret_rotation
from provider.sessions.store import find_all
from provider.work import Installation, unit_of_work
from tests.federation.conftest import identities_of
from tests.federation.two_signets.conftest import UPSTREAM, Go
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.people import find_user, is_signed_in, sign_in


def test_a_person_of_one_gets_an_account_at_the_other(go: Go, upstream: Installation, work: Work) -> None:
    assert go().path == "/account"
    user = find_user(work)
    assert user.claims == {"name": "Ada Lovelace"}
    [identity] = identities_of(work, user.id)
    with unit_of_work(upstream) as other:
        [there] = [session.user_id for session in find_all(other.read, identity.subject)]
    assert (identity.issuer, identity.subject) == (UPSTREAM, there)


def test_who_is_still_signed_in_there_is_not_asked_again(go: Go, browser: Browser, work: Work, clock: Clock) -> None:
    go()
    signed_in_at = clock.now
    browser.open("/account")
    browser.submit(action="/sign-out")
    clock.advance(minutes=50)
    assert go(signs_in=False).path == "/account"
    with work() as w:
        assert find_all(w.read, find_user(work).id)[-1].auth_time == signed_in_at


def test_a_fresh_sign_in_is_asked_for_there(go: Go, browser: Browser, clock: Clock) -> None:
    go()
    clock.advance(minutes=20)
    assert browser.open("/account/data/export.json").path == "/login"
    assert go("/login?prompt=login&return_to=/account/data/export.json").path == "/account/data/export.json"


def test_whoever_cancels_there_is_led_on(browser: Browser, upstream_app: Starlette) -> None:
    there = Browser(upstream_app, UPSTREAM)
    browser.open("/login")
    page = browser.submit(button="Sign in with Other Signet")
    there.open(page.links["Continue to Other Signet"])
    there.submit(button="Cancel and go back to The other one")
    assert there.left_to is not None
    page = browser.open(there.left_to)
    assert page.status == 403
    assert "was canceled" in page.text
    assert browser.follow("Sign in another way").path == "/login"


def test_a_secret_that_was_changed_there_signs_nobody_in(
    go: Go, upstream: Installation, browser: Browser, clock: Clock
) -> None:
    with unit_of_work(upstream) as other:
        [client] = clients.list_clients(other)
        secret_rotation.rotate_secret(other, client_id=client.client_id)
    clock.advance(hours=25)
    page = go()
    assert page.status == 403
    assert "invalid_client" in page.text
    assert not is_signed_in(browser)


def test_both_have_their_own_accounts(go: Go, browser: Browser, work: Work) -> None:
    """The password of one opens nothing at the other."""
    go()
    browser.open("/account")
    browser.submit(action="/sign-out")
    assert sign_in(browser).status == 400
