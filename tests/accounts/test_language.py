"""In which language a person reads pages and letters: the app's wish, then what they chose, then their browser's."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from provider.accounts.suspension import suspend
from provider.config.settings import Settings
from provider.languages.catalogs import LANGUAGES
from provider.work import Origin
from tests.support.browser import Browser, Page
from tests.support.factories import PASSWORD, REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, find_user, forgot_password, sign_in, sign_up, turn_on_two_factor

GERMAN = {"accept-language": "de-AT, en;q=0.5"}


def language_of(page: Page) -> str:
    found = re.search(r'<html lang="([a-zA-Z-]+)" dir="(?:ltr|rtl)">', page.html)
    assert found, page
    assert page.response.headers["content-language"] == found[1]
    return found[1]


def choose(browser: Browser, tag: str) -> Page:
    """At the foot of the page."""
    return browser.submit(button=LANGUAGES[tag].name, action="/language")


@pytest.fixture
def authorize(work: Work) -> Callable[[str], str]:
    """The URL to which an application with this wish sends a person."""
    with work() as w:
        make_user(w)
        client, _ = make_client(w)
    asked = {
        "client_id": client.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": "openid",
        "state": "the state",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    return lambda ui_locales: f"/oauth2/authorize?{urlencode({**asked, 'ui_locales': ui_locales})}"


def test_a_page_speaks_the_browsers_language(browser: Browser) -> None:
    browser.client.headers.update(GERMAN)
    page = browser.open("/login")
    assert language_of(page) == "de"
    assert page.title.startswith("Anmelden")


@pytest.mark.parametrize("header", ["se", "*", "", "q=;;,", "x" * 5000])
def test_who_asks_for_none_of_ours_gets_the_first(browser: Browser, header: str) -> None:
    browser.client.headers["accept-language"] = header
    assert language_of(browser.open("/login")) == "en"


def test_what_an_app_wishes_for_holds_on_the_whole_way_to_it(authorize: Callable[[str], str], browser: Browser) -> None:
    """OIDC Core section 3.1.2.1: ui_locales."""
    page = browser.open(authorize("se fr-CA en"))
    assert language_of(page) == "fr"
    page = browser.submit({"username": ADDRESS, "password": "wrong"})
    assert (page.status, language_of(page)) == (400, "fr")
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert page.path == "/consent"
    assert language_of(page) == "fr"
    browser.submit(button="Autoriser")
    assert browser.left_to is not None
    assert "ui_locales" not in browser.left_to


def test_a_wish_sent_by_post_holds_too(authorize: Callable[[str], str], browser: Browser) -> None:
    path, _, query = authorize("de").partition("?")
    response = browser.client.post(path, content=query, headers={"content-type": "application/x-www-form-urlencoded"})
    assert language_of(browser.open(response.headers["location"])) == "de"


def test_the_switch_keeps_the_request_and_takes_the_place_of_the_wish(
    authorize: Callable[[str], str], browser: Browser
) -> None:
    browser.open(authorize("fr"))
    page = choose(browser, "de")
    assert language_of(page) == "de"
    assert "Example app" in page.text
    page = browser.submit({"username": ADDRESS, "password": PASSWORD})
    assert (page.path, language_of(page)) == ("/consent", "de")
    browser.submit(button="Erlauben")
    assert browser.left_to is not None
    assert "code=" in browser.left_to


def test_a_choice_is_remembered_at_this_browser(browser: Browser) -> None:
    browser.client.headers.update(GERMAN)
    browser.open("/signup")
    choose(browser, "fr")
    assert language_of(browser.open("/login")) == "fr"


def test_what_a_person_chose_follows_them_to_another_browser(
    work: Work, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    with work() as w:
        make_user(w)
    sign_in(browser)
    choose(browser, "de")
    assert find_user(work).claims["locale"] == "de"
    assert language_of(browser.open("/account")) == "de"
    other = new_browser()
    assert language_of(sign_in(other)) == "de"


def test_a_more_exact_locale_of_the_same_language_stays(work: Work, browser: Browser) -> None:
    with work() as w:
        make_user(w, locale="de-CH")
    browser.open("/login")
    choose(browser, "fr")
    sign_in(browser)
    choose(browser, "de")
    assert find_user(work).claims["locale"] == "de-CH"
    choose(browser, "fr")
    assert find_user(work).claims["locale"] == "fr"


def test_a_language_nobody_offers_is_not_chosen(client: TestClient) -> None:
    answer = client.post("/language", data={"language": "../de", "return_to": "/login"})
    assert answer.headers["location"] == "/login"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("place", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""])
def test_the_switch_leads_nowhere_else(client: TestClient, place: str) -> None:
    """RFC 9700 section 4.11: no open redirector."""
    answer = client.post("/language", data={"language": "de", "return_to": place})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


def test_another_site_chooses_no_language(client: TestClient) -> None:
    """A-49."""
    for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        answer = client.post("/language", data={"language": "de", "return_to": "/login"}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_what_is_shown_once_offers_no_switch(work: Work, browser: Browser) -> None:
    """Another language would be another page, without the recovery codes."""
    with work() as w:
        make_user(w)
        now = w.now
    sign_in(browser)
    turn_on_two_factor(browser, now)
    assert browser.page is not None
    assert "/language" not in browser.page.html
    assert "/language" in browser.open("/account").html


def test_a_letter_speaks_the_language_of_the_sign_up(browser: Browser, inbox: Inbox) -> None:
    browser.client.headers.update(GERMAN)
    sign_up(browser)
    assert inbox.latest(ADDRESS).subject == "Bestätigen Sie Ihre E-Mail-Adresse für Signet"
    assert '<html lang="de" dir="ltr">' in inbox.latest(ADDRESS).html


def test_a_letter_speaks_its_readers_language_whoever_asked_for_it(
    work: Work, new_browser: Callable[[], Browser], inbox: Inbox
) -> None:
    with work() as w:
        make_user(w, locale="fr-CA")
    stranger = new_browser()
    stranger.client.headers.update(GERMAN)
    forgot_password(stranger)
    assert inbox.latest(ADDRESS).subject == "Réinitialisez votre mot de passe Signet"


def test_a_letter_by_an_operator_speaks_what_its_reader_chose(work: Work, inbox: Inbox) -> None:
    with work() as w:
        user_id = make_user(w, locale="de")
    with work(Origin()) as w:
        suspend(w, user_id=user_id, reason=None)
    assert inbox.latest(ADDRESS).subject == "Ihr Konto bei Signet ist gesperrt"


def test_a_problem_of_the_api_is_said_in_the_callers_language(client: TestClient) -> None:
    answer = client.get("/api/account/nothing", headers={**GERMAN, "accept": "application/json"})
    assert answer.headers["content-language"] == "de"
    assert answer.json()["title"] == "Seite nicht gefunden"
    assert answer.json()["type"] == "urn:signet:problem:not-found"


def test_one_language_needs_no_switch(settings: Settings) -> None:
    assert settings.languages == tuple(LANGUAGES)
    with pytest.raises(ValueError, match=f"must be some of {', '.join(LANGUAGES)}, comma-separated, not se"):
        Settings(languages="en,se")
    assert Settings(languages="de, en").languages == ("de", "en")


def test_the_last_resort_has_a_language_too(client: TestClient) -> None:
    """A query that cannot be read is no reason to crash while saying so."""
    answer = client.get("/login?ui_locales=%ff", headers={"accept": "text/html", **GERMAN})
    assert answer.status_code == 400
    assert '<html lang="de" dir="ltr">' in answer.text
