"""What happened, in plain words; and throwing everybody out."""

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

import provider
from provider.accounts.activity import KINDS, MOST, SENTENCES, find_usual_networks, network_of
from provider.audit.events import Event
from provider.audit.log import record
from provider.oauth.clients.clients import create_client
from provider.oauth.clients.metadata import ClientMetadata
from provider.work import UnitOfWork
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, forgot_password, is_signed_in, sign_in, turn_on_two_factor

NOT_THEIRS = (
    "authorization_details_type.",
    "branding.",
    "bulk.",
    "import.",
    "claim_mapping.",
    "client.",
    "email.",
    "group.",
    "installation.",
    "key.",
    "list.",
    "promise.",
    "provisioning.",
    "signal_stream.",
    "role.",
    "user_attribute.",
    "webhook.",
    "trusted_issuer.",
    "upstream.",
)
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


def test_every_event_that_users_see_is_recorded_with_its_user() -> None:
    """Without a `user_id`, it is in no one's activity, whatever its sentence says."""
    shown = {event.name for event in SENTENCES}
    without = []
    for path in sorted(Path(provider.__file__).parent.rglob("*.py")):
        text = path.read_text("utf-8")
        for call in ast.walk(ast.parse(text)) if "record(" in text else ():
            if not isinstance(call, ast.Call) or ast.unparse(call.func) != "record":
                continue
            named = {
                arg.attr for arg in call.args if isinstance(arg, ast.Attribute) and ast.unparse(arg.value) == "Event"
            }
            if named & shown and "user_id" not in {keyword.arg for keyword in call.keywords}:
                without.append(f"{path.name}:{call.lineno}")
    assert without == []


def test_the_timeline_tells_what_when_and_where(browser: Browser, ada: str, work: Work) -> None:
    sign_in(browser, password="a wrong guess")
    sign_in(browser)
    with work() as w:
        record(w, Event.ROLES_CHANGED, user_id=ada, roles=["admin"])
    page = browser.open("/account/activity")
    assert "Failed sign-in" in page.text
    assert "1 minute ago , Unknown browser Your usual network, 127.0.0.1" in page.text
    assert re.search('<time datetime="[^"]+" title="[^"]+ UTC">1 minute ago</time>', page.html)
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


def test_every_event_is_of_one_kind() -> None:
    assert sorted(event for kind in KINDS.values() for event in kind.events) == sorted(SENTENCES)


def test_the_activity_is_filtered_by_kind_and_app(browser: Browser, ada: str, work: Work) -> None:
    with work() as w:
        for client_id in ("quill", "shop"):
            record(w, Event.CONSENT_GRANTED, user_id=ada, client_id=client_id, scopes="openid")
            record(w, Event.SIGNED_IN, user_id=ada, client_id=client_id)
    words = ("Signed in quill", "access quill", "access shop", "Account created", "No such activity.")
    for kind, app, seen in (
        ("", "", words[:4]),
        ("apps", "", words[1:3]),
        ("sign-ins", "quill", words[:1]),
        ("", "quill", words[:2]),
        ("security", "quill", words[4:]),
        ("unknown", "unknown", words[:4]),
        ("", "\0", words[:4]),
    ):
        browser.open("/account/activity")
        page = browser.submit({"kind": kind, "app": app}, button="Filter")
        assert tuple(each for each in words if each in page.text) == seen, (kind, app)


@pytest.mark.both_databases
def test_every_event_is_on_one_page_and_the_filters_stay(browser: Browser, ada: str, work: Work) -> None:
    with work() as w:
        for number in range(MOST + 5):
            record(w, Event.CONSENT_GRANTED, user_id=ada, client_id=f"app{number % 2}", scopes="openid")
        record(w, Event.PROFILE_CHANGED, user_id=ada, changed=[])
    first = browser.open("/account/activity?kind=apps")
    second = browser.follow("Next page")
    assert [page.html.count("You allowed an app access") for page in (first, second)] == [MOST, 5]
    assert "Next page" not in second.text
    assert "Profile changed" not in first.text + second.text
    for after in ("x", "_", "2026-11-29T10:00:00_00000000-0000-0000-0000-000000000000", "\0", "9" * 5000):
        again = browser.open(f"/account/activity?kind=apps&after={quote(after)}")
        assert again.html.count("You allowed an app access") == MOST, after


def test_a_network_is_usual_after_sign_ins_on_two_days(ada: str, work: Work, clock: Clock) -> None:
    with work() as w:
        for network in ("198.51.100.7", "198.51.100.7", "2001:db8::1"):
            record_from(w, network, user_id=ada)
    clock.advance(days=1)
    with work() as w:
        for network in ("198.51.100.8", "2001:db8::2"):
            record_from(w, network, user_id=ada)
        record_from(w, "198.51.100.8", user_id=ada, event=Event.SIGN_IN_FAILED)
    clock.advance(days=1)
    with work() as w:
        record_from(w, "198.51.100.8", user_id=ada, event=Event.SIGN_IN_FAILED)
        assert find_usual_networks(w, ada) == {network_of(w, "2001:db8::3")}


def record_from(work: UnitOfWork, network: str, *, user_id: str, event: Event = Event.SIGNED_IN) -> None:
    work.origin = replace(work.origin, network=network)
    record(work, event, user_id=user_id)


def test_an_event_of_another_network_says_so(browser: Browser, ada: str, work: Work) -> None:
    with work() as w:
        record_from(w, "198.51.100.7", user_id=ada, event=Event.SIGN_IN_FAILED)
    text = browser.open("/account/activity").text
    assert "Failed sign-in 1 minute ago , Unknown browser Another network, 198.51.100.7" in text


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
