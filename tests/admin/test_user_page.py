"""The page of a user in the console: its tabs, and what can be done from each."""

from dataclasses import replace
from datetime import timedelta

import pytest

from provider.accounts import known_devices, profile
from provider.accounts.store import terms_acceptances, users
from provider.accounts.throttle import PASSWORD, SECOND_FACTOR, find_counter, reserve
from provider.audit import store
from provider.config.settings import Settings
from provider.oauth.authorization_details.parsing import RequestedDetails
from provider.oauth.authorization_details.types import create_type, parse_declaration
from provider.oauth.authorize import consent
from provider.refusals import TooManyRequests
from tests.admin.conftest import Console, action_form
from tests.oauth.authorization_details.conftest import PAYMENT, PAYMENT_TYPE, payment
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.people import find_user, sign_in

TABS = ("Overview", "Security", "Sessions", "Apps", "Activity")


def test_each_tab_is_a_page_that_leads_to_the_others(console: Console, work: Work, phone: Browser) -> None:
    with work() as w:
        user_id = make_user(w, name="Ada Lovelace", roles=("staff",))
    sign_in(phone)
    overview = console.open(f"/users/{user_id}")
    for word in ("Ada Lovelace", "verified", "staff", "1 active session", "0 applications", "Last sign-in"):
        assert word in overview.text
    addresses = [overview.links[name] for name in TABS]
    assert addresses == [
        f"/admin/users/{user_id}{part}" for part in ("", "/security", "/sessions", "/apps", "/activity")
    ]
    for name, address in zip(TABS, addresses, strict=True):
        page = console.browser.open(address)
        assert (page.status, page.heading, page.html.count('aria-current="page"')) == (200, "ada@example.test", 2)
        assert f'href="{address}" aria-current="page">{name}<' in page.html
    assert console.open("/users/00000000-0000-7000-8000-000000000000/security").status == 404


def test_an_action_returns_to_the_tab_it_was_opened_from(console: Console, work: Work, phone: Browser) -> None:
    with work() as w:
        user_id = make_user(w)
    sign_in(phone)
    page = console.open(f"/users/{user_id}/sessions")
    target = next(link for words, link in page.links.items() if words.startswith("Sign out ") and "session=" in link)
    page = console.act(target.removeprefix("/admin"))
    assert page.path == f"/admin/users/{user_id}/sessions"
    assert "Device signed out." in page.text
    assert "No active sessions." in page.text
    page = console.act(console.open(f"/users/{user_id}/activity").links["Edit roles"].removeprefix("/admin"), roles="x")
    assert (page.path, "Roles updated." in page.text) == (f"/admin/users/{user_id}/activity", True)
    # Only the user's own tabs are places to return to.
    page = console.act(f"/users/{user_id}/name?from=//evil.example", name="Ada")
    assert page.path == f"/admin/users/{user_id}"


def test_the_danger_zone_lists_what_is_available(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
    links = console.open(f"/users/{user_id}").html.partition("Danger zone")[2]
    assert [f"/{name}?" in links for name in ("end-sessions", "suspend", "delete")] == [True, True, True]
    console.act(f"/users/{user_id}/suspend")
    links = console.open(f"/users/{user_id}").html.partition("Danger zone")[2]
    assert [f"/{name}?" in links for name in ("end-sessions", "suspend", "delete")] == [True, False, True]
    own = console.open(f"/users/{console.user_id}").html
    assert [f"/{name}?" in own for name in ("end-sessions", "suspend", "delete")] == [True, False, False]


def test_the_profile_is_edited_in_groups(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w, name="Ada Lovelace", birthdate="1815-12-10", badge=7)
    page = console.open(f"/users/{user_id}/profile-about")
    shown = dict(action_form(page).values())
    assert [shown[f"birthdate-{part}"] for part in ("day", "month", "year")] == ["10", "12", "1815"]
    page = console.act(
        f"/users/{user_id}/profile-about",
        **{"birthdate-day": "10", "birthdate-month": "December"},
        gender="",
        profile="",
        website="",
    )
    assert (page.status, "Enter a real date, like 31 12 1990." in page.text) == (400, True)
    page = console.act(
        f"/users/{user_id}/profile-about",
        **{"birthdate-day": "", "birthdate-month": "", "birthdate-year": "1815"},
        gender="",
        profile="",
        website="https://ada.example",
    )
    assert "Profile updated." in page.text
    assert "https://ada.example" in page.text
    after = {"name": "Ada Lovelace", "birthdate": "1815", "website": "https://ada.example", "badge": 7}
    assert find_user(work).claims == after
    tab = console.browser.new_tab()
    tab.open(f"/admin/users/{user_id}/profile-about")
    with work() as w:
        profile.change_profile(w, user_id=user_id, claims={"name": "Ada", "birthdate": "1816"})
    assert tab.submit({"birthdate-year": "1817"}).status == 412
    assert find_user(work).claims["birthdate"] == "1816"


def test_places_and_languages_of_a_profile_are_chosen_from_lists(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w, locale="tlh", zoneinfo="Europe/Berlin", address={"country": "Germany"})
    page = console.open(f"/users/{user_id}/profile-language")
    assert '<option value="Europe/Berlin" selected>' in page.html
    assert '<option value="tlh" selected>tlh</option>' in page.html, "an imported value stays"
    console.act(f"/users/{user_id}/profile-language", locale="de", zoneinfo="")
    assert find_user(work).claims == {"locale": "de", "address": {"country": "Germany"}}
    assert '<option value="Germany">' in console.open(f"/users/{user_id}/profile-address").html


def test_the_security_tab_tells_how_the_account_is_protected(
    console: Console, work: Work, phone: Browser, clock: Clock
) -> None:
    with work() as w:
        user_id = make_user(w)
    sign_in(phone)
    page = console.open(f"/users/{user_id}/security")
    for words in ("Last changed", "Off. The user signs in without a code.", "Known devices"):
        assert words in page.text
    assert "Failed attempts in a row None" in page.text
    for _ in range(5):
        with work() as w:
            reserve(w, PASSWORD, user_id)
    with work() as w:
        reserve(w, SECOND_FACTOR, user_id)
    with work() as w, pytest.raises(TooManyRequests):
        reserve(w, PASSWORD, user_id)
    page = console.open(f"/users/{user_id}/security")
    assert "5 wrong passwords, the latest" in page.text
    assert "The next attempt is possible at" in page.text
    assert "1 wrong two-factor code," in page.text
    clock.advance(timedelta(hours=25))
    with work() as w:  # wrong passwords are forgotten after a day; codes are not
        assert find_counter(w, PASSWORD, user_id) is None
        assert find_counter(w, SECOND_FACTOR, user_id) is not None


def test_known_devices_are_named_and_can_be_removed(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
        w.origin = replace(w.origin, user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", network="192.0.2.0/24")
        cookie = known_devices.remember(w, user_id=user_id, value=None)
    page = console.open(f"/users/{user_id}/security")
    assert "Chrome on Linux 192.0.2.0/24" in page.text
    with work() as w:  # the browser was updated
        w.origin = replace(w.origin, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0")
        assert known_devices.remember(w, user_id=user_id, value=cookie) == cookie
    page = console.open(f"/users/{user_id}/security")
    assert "Firefox on Linux" in page.text
    remove = next(url for url in page.links.values() if "forget-device" in url)
    page = console.act(remove.removeprefix("/admin"), why="lost")
    assert "Known device removed." in page.text
    assert "Firefox" not in page.text
    with work() as w:
        assert known_devices.find_of_user(w, user_id) == []
        assert [event.details["why"] for event in store.find(w.read, names=["account.device.forgotten"])] == ["lost"]
    assert console.browser.open(remove).path == f"/admin/users/{user_id}/security"


def test_the_activity_is_paged(console: Console, work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
    for number in range(59):
        with work() as w:
            profile.change_name(w, user_id=user_id, name=f"Ada {number}")
    page = console.open(f"/users/{user_id}/activity")
    assert page.html.count('<code class="quiet"') == 50
    assert "account.created" not in page.text
    rest = console.browser.follow("Next page")
    assert "account.created" in rest.text
    assert "Next page" not in rest.links


def test_names_of_any_kind_stay_text(console: Console, work: Work) -> None:
    """A-95: a stored name is never markup, and its direction does not spread."""
    name = "<img src=x> \u05e9\u05dc\u05d5\u05dd " + "x" * 60 + " \U0001f469\u200d\U0001f4bb"
    with work() as w:
        user_id = make_user(w, name=name)
    for part in ("", "/security", "/name?from=apps", "/profile-names"):
        page = console.open(f"/users/{user_id}{part}")
        assert page.status == 200
        assert "<img src=x>" not in page.html
    with work() as w:
        assert users.find(w.read, user_id) is not None


class TestTermsOfService:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"terms_version": "2026-11", "terms_url": "https://example.test/terms"})

    def test_the_page_shows_the_version_that_the_user_accepted_last(self, console: Console, work: Work) -> None:
        with work() as w:
            user_id = make_user(w)
        assert "Terms of service not accepted yet" in console.open(f"/users/{user_id}").text
        with work() as w:
            terms_acceptances.add(w.db, user_id, "2025-01", now=w.now - timedelta(days=300))
            terms_acceptances.add(w.db, user_id, "2026-11", now=w.now)
        text = console.open(f"/users/{user_id}").text
        assert "Version 2026-11, accepted" in text
        assert "2025-01" not in text


def test_the_apps_tab_shows_the_authorization_details_that_the_user_allowed(console: Console, work: Work) -> None:
    """RFC 9396 section 6: in the words of the user's own page."""
    detail = payment(creditor="<b>Grocer", reference="Invoice 7")
    with work() as w:
        user_id = make_user(w)
        declared = create_type(w, PAYMENT_TYPE, parse_declaration(PAYMENT))
        for name, details in (("Quill", ()), ("Shop", (detail,))):
            client, _ = make_client(w, client_name=name)
            given = RequestedDetails(details, {PAYMENT_TYPE: declared})
            consent.grant(w, user_id=user_id, client=client, scopes=("openid",), claims=frozenset(), details=given)
    page = console.open(f"/users/{user_id}/apps")
    assert "Pay 12.50 EUR to <b>Grocer" in page.text
    assert "Invoice 7" in page.text
    assert page.html.count('class="detail"') == 1
