"""Terms of service: accepted at sign-up, and asked for after a sign-in until the user has accepted the current ones."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from provider.accounts import invitation
from provider.accounts.store import terms_acceptances
from provider.accounts.users import delete_user
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.work import Installation
from tests.oauth.devices import FOR_DEVICES, start
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, REDIRECT_URI, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, find_user, is_signed_in, sign_in
from tests.support.relying_party import RelyingParty, authorization_url, sign_in_person

TERMS, VERSION, URL = "/login/terms", "2026-11", "https://example.test/terms"
NEW_USER = {"email": ADDRESS, "password": PASSWORD}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"terms_version": VERSION, "terms_url": URL})


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return make_user(w)


@pytest.fixture
def authorize(work: Work) -> str:
    with work() as w:
        return authorization_url(make_client(w, first_party=True)[0], state="the state")


def accepted(work: Work, user_id: str) -> list[str]:
    with work() as w:
        return [one.version for one in terms_acceptances.find_of_users(w.read, [user_id])]


def events(work: Work, user_id: str) -> list[tuple[str, object]]:
    with work() as w:
        found = find_events(w.read, user_id=user_id, names=["account.terms.accepted"])
        return [(event.name, event.details["version"]) for event in found]


class TestSignUp:
    def test_the_box_must_be_ticked(self, browser: Browser, inbox: Inbox, work: Work) -> None:
        page = browser.open("/signup")
        assert page.links["terms of service"] == URL
        page = browser.submit({**NEW_USER, "name": "Ada"})
        assert (page.status, "Accept the terms of service to create an account." in page.text) == (400, True)
        assert inbox.letters() == []
        browser.submit({**NEW_USER, "accepted_terms": VERSION})
        browser.submit({"code": inbox.latest(ADDRESS).code})
        user = find_user(work)
        assert accepted(work, user.id) == [VERSION]
        assert events(work, user.id) == [("account.terms.accepted", VERSION)]
        assert is_signed_in(browser)

    def test_a_version_that_changed_since_the_page_was_opened_is_not_accepted(
        self, browser: Browser, inbox: Inbox
    ) -> None:
        browser.open("/signup")
        page = browser.submit({**NEW_USER, "accepted_terms": "2025-01"})
        assert (page.status, "The terms of service have changed." in page.text) == (400, True)
        assert inbox.letters() == []

    def test_the_box_stays_ticked_after_another_mistake(self, browser: Browser) -> None:
        browser.open("/signup")
        page = browser.submit({"email": "ada", "password": PASSWORD, "accepted_terms": VERSION})
        box = page.form("accepted_terms").find("accepted_terms")
        assert (page.status, box is not None and box.checked) == (400, True)


class TestAfterSignIn:
    def test_the_app_gets_its_answer_after_the_terms_were_accepted(
        self, browser: Browser, ada: str, authorize: str, work: Work
    ) -> None:
        browser.open(authorize)
        page = browser.submit({"username": ADDRESS, "password": PASSWORD})
        assert (page.path, page.links["Read the terms of service"]) == (TERMS, URL)
        assert "to continue to Example app" in page.text
        assert browser.left_to is None
        browser.submit(button="Accept and continue")
        assert (browser.left_to or "").startswith(f"{REDIRECT_URI}?code=")
        assert accepted(work, ada) == [VERSION]
        assert events(work, ada) == [("account.terms.accepted", VERSION)]
        browser.left_to = None
        browser.open(authorize)  # not asked again
        assert (browser.left_to or "").startswith(f"{REDIRECT_URI}?code=")

    def test_a_new_version_is_asked_for_again_and_both_are_kept(self, browser: Browser, ada: str, work: Work) -> None:
        with work() as w:
            terms_acceptances.add(w.db, ada, "2025-01", now=w.now)
        assert sign_in(browser).path == TERMS
        assert browser.submit(button="Accept and continue").path == "/account"
        assert sorted(accepted(work, ada)) == ["2025-01", VERSION]
        browser.submit(action="/sign-out")
        assert sign_in(browser).path == "/account"

    def test_an_old_page_does_not_accept_the_new_version(self, browser: Browser, ada: str, work: Work) -> None:
        """N-64."""
        sign_in(browser)
        page = browser.submit({"version": "2025-01"})
        assert (page.status, "The terms of service have changed." in page.text) == (400, True)
        assert accepted(work, ada) == []

    def test_accepting_twice_is_one_acceptance(self, browser: Browser, ada: str, work: Work) -> None:
        sign_in(browser)
        tab = browser.new_tab()
        tab.open(TERMS)
        browser.submit(button="Accept and continue")
        assert tab.submit(button="Accept and continue").path == "/account"
        assert len(events(work, ada)) == 1

    def test_a_user_who_does_not_accept_can_sign_out_and_download_and_delete(self, browser: Browser, ada: str) -> None:
        page = sign_in(browser)
        assert page.links["Download your data or delete your account"] == "/account/data"
        assert json.loads(browser.open("/account/data/export.json").html)["terms_of_service"] == []
        browser.open("/account/delete")
        assert browser.submit({"sure": "on"}).path == "/account-leaving"

    def test_a_user_who_does_not_accept_can_sign_out(self, browser: Browser, ada: str) -> None:
        sign_in(browser)
        browser.submit(button="Sign out")
        assert not is_signed_in(browser)

    def test_a_user_who_does_not_accept_can_go_back_to_the_app(
        self, browser: Browser, ada: str, authorize: str, work: Work
    ) -> None:
        browser.open(authorize)
        browser.submit({"username": ADDRESS, "password": PASSWORD})
        browser.submit(button="Cancel and go back")
        answer = parse_qs(urlsplit(browser.left_to or "").query)
        assert (answer["error"], answer["state"]) == (["access_denied"], ["the state"])
        assert accepted(work, ada) == []

    def test_the_export_has_every_version_with_its_time(self, browser: Browser, ada: str, work: Work) -> None:
        with work() as w:
            terms_acceptances.add(w.db, ada, VERSION, now=w.now)
            at = w.now.isoformat()
        sign_in(browser)
        exported = json.loads(browser.open("/account/data/export.json").html)
        assert exported["terms_of_service"] == [{"version": VERSION, "accepted_at": at}]

    def test_the_page_needs_a_session(self, browser: Browser, ada: str, work: Work) -> None:
        assert browser.open(f"{TERMS}?return_to=/account/sessions").path == "/login"
        assert sign_in(browser).path == TERMS
        browser.cookies.clear()
        assert browser.submit(button="Accept and continue").status == 403
        assert accepted(work, ada) == []

    def test_a_consent_that_was_given_does_not_stand_in_for_the_terms(
        self, browser: Browser, ada: str, work: Work
    ) -> None:
        """N-65."""
        with work() as w:
            url = authorization_url(make_client(w)[0])
        browser.open(url)
        assert browser.submit({"username": ADDRESS, "password": PASSWORD}).path == TERMS
        tab = browser.new_tab()
        consent = browser.open((browser.page.url if browser.page else "").replace(TERMS, "/consent"))
        assert consent.path == "/consent"
        assert browser.submit(button="Allow").path == TERMS
        assert tab.left_to is None


def test_prompt_none_answers_interaction_required(
    browser: Browser, client: TestClient, ada: str, installation: Installation, work: Work
) -> None:
    """OIDC Core section 3.1.2.6."""
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True))
    sign_in_person(client, installation, ada)
    assert rp.ask(client, prompt="none").error == "interaction_required"
    with work() as w:
        terms_acceptances.add(w.db, ada, VERSION, now=w.now)
    assert rp.ask(client, prompt="none").code


def test_an_invited_user_is_asked_at_the_first_sign_in(browser: Browser, inbox: Inbox, work: Work) -> None:
    with work() as w:
        invitation.invite(w, email=ADDRESS, roles=(), claims={})
    browser.open(inbox.latest(ADDRESS).link)
    browser.submit({"password": PASSWORD})
    assert sign_in(browser).path == TERMS


def test_a_device_is_connected_after_the_terms_were_accepted(
    browser: Browser, client: TestClient, ada: str, work: Work
) -> None:
    """RFC 8628 section 3.3."""
    with work() as w:
        tv = RelyingParty(client, *make_client(w, public=True, **FOR_DEVICES))
    device = start(tv)
    sign_in(browser)
    page = browser.open(f"/device?{urlencode({'user_code': device.user_code})}")
    assert page.path == TERMS
    assert browser.submit(button="Accept and continue").path == "/device"


def test_the_discovery_document_names_the_page(client: TestClient) -> None:
    """OIDC Discovery section 3."""
    assert client.get("/.well-known/openid-configuration").json()["op_tos_uri"] == URL


def test_deleting_the_user_deletes_what_they_accepted(ada: str, work: Work) -> None:
    with work() as w:
        terms_acceptances.add(w.db, ada, VERSION, now=w.now)
        delete_user(w, user_id=ada)
    assert accepted(work, ada) == []


@pytest.mark.both_databases
def test_an_acceptance_is_recorded_once_with_its_first_time(ada: str, work: Work) -> None:
    with work() as w:
        assert terms_acceptances.add(w.db, ada, VERSION, now=w.now)
    with work() as w:
        assert not terms_acceptances.add(w.db, ada, VERSION, now=w.now)
        assert terms_acceptances.has_accepted(w.read, ada, VERSION)
        assert not terms_acceptances.has_accepted(w.read, ada, "2025-01")


def test_a_version_needs_a_page(database_url: str) -> None:
    with pytest.raises(ValueError, match="SIGNET_TERMS_VERSION needs SIGNET_TERMS_URL"):
        settings_for(database_url, terms_version="1")


@pytest.mark.parametrize("url", ["example.com/terms", "javascript:alert(1)", "https://", "https://a b", "/terms"])
def test_the_page_is_a_web_page(database_url: str, url: str) -> None:
    with pytest.raises(ValueError, match="must be an http or https URL"):
        settings_for(database_url, terms_version="1", terms_url=url)


class TestUnset:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url)

    def test_nobody_is_asked(self, browser: Browser, ada: str) -> None:
        assert browser.open(TERMS).status == 404
        assert "accepted_terms" not in browser.open("/signup").html
        assert sign_in(browser).path == "/account"


def test_a_first_party_app_is_sent_to_the_web(client: TestClient, ada: str, work: Work) -> None:
    """First-Party Applications section 5.2.2."""
    with work() as w:
        rp = RelyingParty(client, *make_client(w, first_party=True, authorization_challenge=True))
    asked, _ = rp.request()
    pkce = {name: asked[name] for name in ("code_challenge", "code_challenge_method", "scope")}
    answer = rp.post("/oauth2/authorize-challenge", username=ADDRESS, password=PASSWORD, **pkce)
    assert (answer.json()["error"], "terms of service" in answer.json()["error_description"]) == (
        "redirect_to_web",
        True,
    )
