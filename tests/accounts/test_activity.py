"""What happened, in plain words; and throwing everybody out."""

from collections.abc import Callable

import pytest

from provider.accounts.activity import SENTENCES
from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, forgot_password, is_signed_in, sign_in, turn_on_two_factor

NOT_THEIRS = ("branding.", "client.", "email.", "installation.", "key.", "promise.", "role.", "webhook.")
NEW = "a brand new and long password"


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w)
    sign_in(browser)
    return user_id


@pytest.mark.parametrize("event", [event for event in Event if not event.startswith(NOT_THEIRS)])
def test_every_event_of_a_person_has_a_sentence(event: Event) -> None:
    assert event in SENTENCES or event is Event.ACCOUNT_DELETED  # nobody is left to read that


def test_the_timeline_tells_what_when_and_where(browser: Browser, ada: str, work: Work) -> None:
    sign_in(browser, password="a wrong guess")
    sign_in(browser)
    with work() as w:
        record(w, Event.ROLES_CHANGED, user_id=ada, roles=["admin"])
    page = browser.open("/account/activity")
    assert "Failed sign-in" in page.text
    assert "Unknown browser, 127.0.0.1" in page.text
    assert "by an administrator or the system" in page.text
    assert page.text.index("Your roles were changed") < page.text.index("Failed sign-in")


def test_an_app_is_named_and_a_deleted_one_keeps_its_client_id(browser: Browser, ada: str, work: Work) -> None:
    with work() as w:
        client, _ = create_client(w, ClientMetadata(client_name="Quill", redirect_uris=("https://quill.example/cb",)))
        for client_id in (client.client_id, "long-gone"):
            record(w, Event.CONSENT_GRANTED, user_id=ada, client_id=client_id, scopes="openid")
    page = browser.open("/account/activity")
    assert "Quill (quill.example)" in page.text
    assert client.client_id not in page.text
    assert "long-gone" in page.text


def test_nobody_sees_the_events_of_somebody_else(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, work: Work
) -> None:
    with work() as w:
        make_user(w, "eve@example.test")
    eve = new_browser()
    sign_in(eve, "eve@example.test")
    turn_on_two_factor(browser, find_user(work).created_at)
    page = eve.open("/account/activity")
    assert "Signed in" in page.text
    assert "was turned on" not in page.text


def test_this_was_not_me_throws_everybody_out(
    browser: Browser, new_browser: Callable[[], Browser], ada: str, work: Work, inbox: Inbox, clock: Clock
) -> None:
    thief, asker = new_browser(), new_browser()
    sign_in(thief)
    forgot_password(asker)
    earlier = inbox.latest(ADDRESS).link
    clock.advance(minutes=1)
    browser.open("/account/activity")
    browser.follow("This was not me")
    assert is_signed_in(thief)  # looking does nothing
    browser.open("/account/activity/not-me")
    page = browser.submit(button="Secure my account")
    assert page.title.startswith("All sessions were signed out")
    assert not is_signed_in(browser)
    assert not is_signed_in(thief)
    assert find_user(work).not_before == clock.now
    assert new_browser().open(earlier).status == 410
    assert sign_in(thief, password=PASSWORD).status == 400
    browser.open(inbox.latest(ADDRESS).link)
    assert browser.submit({"password": NEW}).title.startswith("Your new password is set")
    clock.advance(minutes=1)
    assert sign_in(browser, password=NEW).path == "/account"


def test_without_links_for_passwords_the_password_stays(browser: Browser, ada: str, app: object) -> None:
    browser.open("/account/activity/not-me")
    settings = app.state.installation.settings  # type: ignore[attr-defined]
    features = settings.features - {"reset-passwords"}
    changed = settings.model_copy(update={"features": features})
    object.__setattr__(app.state.installation, "settings", changed)  # type: ignore[attr-defined]
    browser.submit(button="Secure my account")
    assert not is_signed_in(browser)
    assert sign_in(browser).path == "/account"


def test_a_signed_out_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    for path in ("/account/activity", "/account/activity/not-me"):
        assert browser.open(path).path == "/login"
