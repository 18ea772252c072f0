"""The offer of a passkey after the password, conditional create, and "Not now"."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from provider.accounts.factors.store import passkeys as store
from tests.support.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Authenticator, question_of
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, code_of, is_signed_in, turn_on_two_factor
from tests.support.relying_party import authorization_url

OFFER = "/login/passkey-offer"
CAN = {"can_create_passkeys": "yes"}
SYNCED = ELIGIBLE | BACKED_UP


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


def sign_in(browser: Browser, *, at: str = "/login", **more: str) -> Page:
    """In a browser whose script found that it can create passkeys."""
    browser.open(at)
    return browser.submit({"username": ADDRESS, "password": PASSWORD, **CAN, **more})


def answer(browser: Browser, credential: str) -> Page:
    return browser.submit({"credential": credential})


def passkeys_of(work: Work, user_id: str) -> list[str]:
    with work() as w:
        return [one.name for one in store.find_of_user(w.read, user_id)]


def test_a_passkey_is_offered_after_the_password_and_leads_on(browser: Browser, ada: str, work: Work) -> None:
    page = sign_in(browser, at="/login?return_to=/account/sessions")
    assert (page.path, page.heading) == (OFFER, "Sign in faster next time")
    page = answer(browser, Authenticator().create(question_of(page)))
    assert page.path == "/account/sessions"
    assert passkeys_of(work, ada) == ["Google Password Manager"]


def test_the_user_is_notified_of_the_new_passkey(browser: Browser, ada: str, inbox: Inbox) -> None:
    page = sign_in(browser)
    answer(browser, Authenticator().create(question_of(page)))
    assert "passkey" in inbox.letters()[-1].subject.lower()


def test_not_now_leads_on_and_is_remembered_for_thirty_days(browser: Browser, ada: str, clock: Clock) -> None:
    sign_in(browser)
    assert browser.submit(button="Not now").path == "/account"
    browser.submit(action="/sign-out")
    clock.advance(days=29, hours=23)
    assert sign_in(browser).path == "/account"
    browser.submit(action="/sign-out")
    clock.advance(hours=1)
    assert sign_in(browser).path == OFFER


def test_without_scripts_nothing_is_offered(browser: Browser, ada: str) -> None:
    assert sign_in(browser, can_create_passkeys="").path == "/account"


def test_a_user_with_a_passkey_is_offered_none(browser: Browser, ada: str) -> None:
    page = sign_in(browser)
    answer(browser, Authenticator().create(question_of(page)))
    browser.submit(action="/sign-out")
    assert sign_in(browser).path == "/account"


def test_the_offer_comes_after_the_second_factor(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    sign_in(browser, can_create_passkeys="")
    key, _ = turn_on_two_factor(browser, clock.now)
    browser.submit(action="/sign-out")
    clock.advance(seconds=30)
    assert sign_in(browser).path == "/login/second-factor"
    page = browser.submit({"code": code_of(key, clock.now), **CAN})
    assert page.path == OFFER
    answer(browser, Authenticator().create(question_of(page)))
    assert passkeys_of(work, ada) == ["Google Password Manager"]


def test_confirming_who_is_signed_in_offers_nothing(browser: Browser, ada: str) -> None:
    """A user on the way to a page of ours, or in the middle of something in an app, is not interrupted."""
    sign_in(browser, can_create_passkeys="")
    page = browser.open("/login?prompt=login")
    assert "can_create_passkeys" not in page.html


@pytest.mark.parametrize("declines", [True, False])
def test_both_answers_lead_on_to_the_app(browser: Browser, ada: str, work: Work, declines: bool) -> None:
    with work() as w:
        app, _ = make_client(w, first_party=True)
    page = sign_in(browser, at=authorization_url(app, prompt="login", max_age="1"))
    assert page.path == OFFER
    if declines:
        browser.submit(button="Not now")
    else:
        answer(browser, Authenticator().create(question_of(page)))
    assert browser.left_to is not None
    assert browser.left_to.startswith(f"{app.metadata.redirect_uris[0]}?code=")


def test_a_request_that_expired_meanwhile_leads_back_to_the_app(
    browser: Browser, ada: str, work: Work, clock: Clock
) -> None:
    with work() as w:
        app, _ = make_client(w, first_party=True)
    sign_in(browser, at=authorization_url(app))
    clock.advance(hours=2)
    assert browser.submit(button="Not now").status == 200


def test_a_request_without_prompts_is_answered_as_before(browser: Browser, ada: str, work: Work) -> None:
    """OIDC Core section 3.1.2.1: prompt=none shows no page, also while an offer is open."""
    with work() as w:
        app, _ = make_client(w, first_party=True)
    assert sign_in(browser).path == OFFER
    browser.open(authorization_url(app, prompt="none"))
    assert "code=" in (browser.left_to or "")


@pytest.mark.parametrize("flags", [SYNCED, SYNCED | PRESENT, SYNCED | PRESENT | VERIFIED])
def test_a_browser_creates_a_passkey_without_asking(browser: Browser, ada: str, work: Work, flags: int) -> None:
    """WebAuthn Level 3 section 7.1, step 15: with conditional mediation nobody needs to be present or verified."""
    page = sign_in(browser)
    page = answer(browser, Authenticator(flags=flags).create(question_of(page, "data-upgrade")))
    assert page.path == "/account"
    assert passkeys_of(work, ada) == ["Google Password Manager"]


def test_a_passkey_created_without_asking_signs_in_only_with_a_verified_user(browser: Browser, ada: str) -> None:
    page = sign_in(browser)
    device = Authenticator(flags=SYNCED)
    answer(browser, device.create(question_of(page, "data-upgrade")))
    browser.submit(action="/sign-out")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    assert browser.submit({"credential": device.get(options)}).status == 400
    device.flags = SYNCED | PRESENT | VERIFIED
    options = browser.client.get("/login/passkey").json()
    browser.submit({"credential": device.get(options)})
    assert is_signed_in(browser)


def test_the_usual_creation_needs_somebody_there(browser: Browser, ada: str, work: Work) -> None:
    page = sign_in(browser)
    page = answer(browser, Authenticator(flags=SYNCED).create(question_of(page)))
    assert (page.status, page.path) == (400, OFFER)
    browser.open("/account/passkeys")
    question = question_of(browser.page) if browser.page else {}
    page = browser.submit({"credential": Authenticator(flags=SYNCED).create(question)}, action="/account/passkeys")
    assert page.status == 400
    assert passkeys_of(work, ada) == []


def test_an_expired_challenge_can_be_tried_again(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    page = sign_in(browser)
    late = Authenticator().create(question_of(page))
    clock.advance(minutes=5)
    page = answer(browser, late)
    assert (page.status, page.path) == (400, OFFER)
    assert "That took too long. Try again." in page.text
    assert answer(browser, Authenticator().create(question_of(page))).path == "/account"
    assert len(passkeys_of(work, ada)) == 1


def test_an_offer_that_was_open_for_too_long_leads_on(browser: Browser, ada: str, clock: Clock, work: Work) -> None:
    page = sign_in(browser)
    clock.advance(minutes=16)
    page = answer(browser, Authenticator().create(question_of(page)))
    assert page.path == "/account"
    assert passkeys_of(work, ada) == []


def test_reload_back_and_a_second_tab_lead_on(browser: Browser, ada: str, work: Work) -> None:
    first = sign_in(browser)
    second = browser.open(OFFER)
    assert second.path == OFFER
    answer(browser, Authenticator().create(question_of(second)))
    browser.page = first
    assert answer(browser, "{}").path == "/account"
    assert browser.open(OFFER).path == "/account"
    assert len(passkeys_of(work, ada)) == 1


def test_nobody_signed_in_sees_the_sign_in_page(browser: Browser, ada: str) -> None:
    assert browser.open(OFFER).path == "/login"
    page = sign_in(browser)
    browser.cookies.delete("__Host-signet")
    assert answer(browser, Authenticator().create(question_of(page))).path == "/login"


def test_a_challenge_of_another_user_is_refused(
    browser: Browser, ada: str, work: Work, new_browser: Callable[[], Browser]
) -> None:
    with work() as w:
        make_user(w, "eve@example.com")
    eve = new_browser()
    eve.open("/login")
    page = eve.submit({"username": "eve@example.com", "password": PASSWORD, **CAN})
    credential = Authenticator().create(question_of(page, "data-upgrade"))
    sign_in(browser)
    assert answer(browser, credential).status == 400
    assert passkeys_of(work, ada) == []


def test_a_sign_in_without_a_password_offers_nothing(browser: Browser, ada: str) -> None:
    page = sign_in(browser)
    device = Authenticator()
    answer(browser, device.create(question_of(page)))
    browser.open("/account/passkeys")
    browser.submit(action="/sign-out")
    browser.open("/login")
    options = browser.client.get("/login/passkey").json()
    page = browser.submit({"credential": device.get(options)})
    assert urlsplit(page.url).path == "/account"
