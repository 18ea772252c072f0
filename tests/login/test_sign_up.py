"""Sign-up: which names the form asks for, which domains are accepted, and what happens without email verification."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from provider.accounts import deletion, registration, suspension
from provider.accounts.email.email_addresses import parse_address, problem_of_own_address
from provider.accounts.email.new_addresses import AddressTaken
from provider.accounts.store.users import Status
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.work import Installation
from provider.worker.jobs import purge
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_client, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.limits import Lower
from tests.support.people import ADDRESS, find_user, forgot_password, is_signed_in, sign_in, sign_up
from tests.support.relying_party import Answer, RelyingParty

OTHER = "another quiet afternoon"


def names_of_events(work: Work, user_id: str) -> list[str]:
    with work() as w:
        return [event.name for event in find_events(w.read, user_id=user_id)[::-1]]


class TestWithoutEmailVerification:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"email-verification"}})

    def test_sign_up_signs_in(
        self, browser: Browser, new_browser: Callable[[], Browser], inbox: Inbox, work: Work, clock: Clock
    ) -> None:
        assert sign_up(browser, name="Ada Lovelace").path == "/account"
        user = find_user(work)
        assert (user.status, user.claims["name"]) == (Status.ACTIVE, "Ada Lovelace")
        assert names_of_events(work, user.id) == ["account.registered", "session.signed_in"]
        assert inbox.letters() == []
        clock.advance(minutes=1)
        # As after any sign-in the device is known, and another one is not.
        assert sign_in(browser).path == "/account"
        assert inbox.letters() == []
        assert sign_in(new_browser()).path == "/account"
        assert [letter.to for letter in inbox.letters()] == [ADDRESS]

    def test_sign_up_on_the_way_to_an_app_leads_to_the_app(
        self, browser: Browser, client: TestClient, work: Work
    ) -> None:
        """The address is not verified, and apps learn that (OIDC Core section 5.1)."""
        with work() as w:
            rp = RelyingParty(client, *make_client(w, first_party=True))
        asked, verifier = rp.request(scope="openid email profile")
        browser.open(f"/oauth2/authorize?{urlencode(asked)}")
        browser.follow("Create an account")
        page = browser.submit({"email": ADDRESS, "password": PASSWORD, "name": "Ada"})
        assert browser.left_to is not None
        tokens = rp.redeem(Answer(page.response, asked, verifier))
        claims = rp.userinfo(tokens).json()
        assert (claims["email"], claims["email_verified"], claims["name"]) == (ADDRESS, False, "Ada")

    def test_a_second_factor_that_the_app_demands_is_still_missing(
        self, browser: Browser, client: TestClient, work: Work
    ) -> None:
        """OpenID Connect Core Error Code unmet_authentication_requirements: as after the sign-in of any such user."""
        with work() as w:
            rp = RelyingParty(client, *make_client(w, first_party=True))
        asked, _ = rp.request(claims='{"id_token": {"acr": {"essential": true, "values": ["aal2"]}}}')
        browser.open(f"/oauth2/authorize?{urlencode(asked)}")
        browser.follow("Create an account")
        browser.submit({"email": ADDRESS, "password": PASSWORD})
        assert "error=unmet_authentication_requirements" in (browser.left_to or "")

    def test_another_user_in_the_browser_stays_signed_in(self, browser: Browser, work: Work) -> None:
        sign_up(browser)
        browser.open("/signup?prompt=login")
        page = browser.submit({"email": "grace@example.test", "password": PASSWORD})
        assert (page.path, "grace@example.test" in page.text) == ("/account", True)
        assert names_of_events(work, find_user(work).id)[-1] == "session.signed_in"

    def test_a_taken_address_is_refused_at_the_form(self, browser: Browser, work: Work) -> None:
        """Nobody is emailed, so the form has to say it (OWASP ASVS v5.0.0-6.3.8 cannot be met without email)."""
        sign_up(browser)
        owner = find_user(work)
        browser.cookies.clear()
        page = sign_up(browser, "ADA@example.test", password=OTHER)
        assert (page.status, "already has an account" in page.text) == (400, True)
        assert not is_signed_in(browser)
        assert find_user(work) == owner
        with work() as w, pytest.raises(AddressTaken):
            make_user(w)

    def test_right_passwords_are_not_counted_as_failures(self, browser: Browser) -> None:
        sign_up(browser)
        for _ in range(7):
            browser.cookies.clear()
            assert sign_in(browser).path == "/account"

    def test_the_password_can_be_reset_by_email(self, browser: Browser, inbox: Inbox) -> None:
        sign_up(browser)
        forgot_password(browser)
        browser.open(inbox.latest(ADDRESS).link)
        browser.submit({"password": OTHER})
        assert sign_in(browser, password=OTHER).path == "/account"

    def test_suspending_and_restoring_the_account_keeps_its_address(self, browser: Browser, work: Work) -> None:
        sign_up(browser)
        user_id = find_user(work).id
        with work() as w:
            suspension.suspend(w, user_id=user_id, reason=None)
        browser.cookies.clear()
        assert "already has an account" in sign_up(browser, password=OTHER).text
        assert "suspended" in sign_in(browser).text
        with work() as w:
            suspension.restore(w, user_id=user_id)
        assert sign_in(browser).path == "/account"

    def test_an_account_that_waited_for_verification_is_active_after_its_sign_in(
        self, browser: Browser, work: Work
    ) -> None:
        """It signed up while addresses were verified, or an operator created it."""
        with work() as w:
            user_id = make_user(w, verified=False)
        assert sign_in(browser, password=OTHER).status == 400
        assert find_user(work).status == Status.INACTIVE
        assert sign_in(browser).path == "/account"
        assert names_of_events(work, user_id)[-2:] == ["account.activated", "session.signed_in"]

    def test_an_unconfirmed_claim_to_a_taken_address_waits_for_an_operator(self, browser: Browser, work: Work) -> None:
        with work() as w:
            make_user(w, verified=False, password=OTHER)
            registration.create_user(w, email=ADDRESS, password=PASSWORD, verified=True)
        assert "An administrator must approve" in sign_in(browser, password=OTHER).text
        assert sign_in(browser).path == "/account"

    def test_in_the_grace_of_a_deletion_the_address_is_taken_and_free_afterwards(
        self, browser: Browser, work: Work, clock: Clock, installation: Installation
    ) -> None:
        sign_up(browser)
        first = find_user(work).id
        with work() as w:
            deletion.request_deletion(w, user_id=first)
        assert "already has an account" in sign_up(browser, password=OTHER).text
        assert sign_in(browser).title.startswith("This account will be deleted")
        clock.advance(days=15)
        purge(installation)
        assert sign_up(browser, password=OTHER).path == "/account"
        assert find_user(work).id != first

    def test_sign_ups_are_limited_per_network(self, browser: Browser, lower: Lower) -> None:
        lower(sign_up="1/hour")
        sign_up(browser)
        browser.cookies.clear()
        assert sign_up(browser, "grace@example.test").status == 429


class TestNames:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        fields = {
            "sign_up_fields": ("given_name", "family_name", "preferred_username"),
            "sign_up_required": ("given_name",),
        }
        return settings.model_copy(update=fields | {"features": settings.features - {"email-verification"}})

    def test_the_form_asks_for_the_fields_of_the_setting(self, browser: Browser) -> None:
        page = browser.open("/signup")
        labels = [label for field in page.forms[0].fields for label in field.labels]
        assert [label.split("  ")[0] for label in labels][:3] == [
            "Given names", "Family name (optional)", "Preferred username (optional)"
        ]  # fmt: skip
        assert 'id="name"' not in page.html

    def test_what_is_required_or_wrong_is_said_at_its_field(self, browser: Browser) -> None:
        """The rules are those of the profile."""
        browser.open("/signup")
        page = browser.submit({"email": ADDRESS, "password": PASSWORD, "preferred_username": "a" * 65})
        assert page.status == 400
        assert page.text.count("This field is required.") == page.text.count("Enter at most 64 characters") == 2
        browser.open("/signup")
        page = browser.submit(
            {"email": ADDRESS, "password": "AugustaLovelace", "given_name": "Augusta", "family_name": "Lovelace"}
        )
        assert "too similar to your name" in page.text

    def test_apps_see_the_names_by_scope(self, browser: Browser, client: TestClient, work: Work) -> None:
        """OIDC Core section 5.4. Apps that show `name` have one too."""
        with work() as w:
            rp = RelyingParty(client, *make_client(w, first_party=True, claims_in_id_token=True))
        browser.open("/signup")
        names = {"given_name": " Ada ", "family_name": "Lovelace", "preferred_username": "ada"}
        assert browser.submit({"email": ADDRESS, "password": PASSWORD, **names}).path == "/account"
        expected = {"given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada", "name": "Ada Lovelace"}
        tokens = rp.redeem(rp.ask(browser.client, scope="openid profile email"))
        for claims in (rp.verify(tokens), rp.userinfo(tokens).json()):
            assert claims.items() >= expected.items()
        assert not rp.userinfo(rp.redeem(rp.ask(browser.client))).json().keys() & expected.keys()

    def test_claims_that_the_form_does_not_ask_for_are_ignored(
        self, client: TestClient, browser: Browser, work: Work
    ) -> None:
        page = browser.open("/signup")
        data = dict(page.forms[0].values()) | {"nickname": "x", "picture": "x", "email_verified": "true"}
        browser._post(
            page.url, urlencode(data | {"email": ADDRESS, "password": PASSWORD, "given_name": "Ada"}).encode()
        )
        assert find_user(work).claims == {"given_name": "Ada", "name": "Ada", "locale": "en"}


DOMAINS = {
    "email_domains_allowed": "example.test, *.Example.test, bücher.example, *.bücher.example",
    "email_domains_blocked": "@spam.example.test, xn--bse-sna.bücher.example",
}
ACCEPTED = [
    "a@example.test",
    "a@EXAMPLE.test",
    "a@eu.mail.example.test",
    "a@BÜCHER.example",
    "a@mail.xn--bcher-kva.example",
]
REFUSED = ["a@example.com", "a@notexample.test", "a@spam.example.test", "a@SPAM.Example.Test", "a@böse.bücher.example"]


class TestDomains:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, **DOMAINS)

    def test_domains_are_compared_as_a_labels(self, settings: Settings) -> None:
        """RFC 5890 section 2.3.2.1. A domain does not include its subdomains; `*.` does not include the domain."""
        problems = {text: problem_of_own_address(settings, parse_address(text)) for text in ACCEPTED + REFUSED}
        assert [text for text, problem in problems.items() if problem is None] == ACCEPTED
        only_below = settings.model_copy(
            update={"email_domains_allowed": frozenset({"*.example.test"}), "email_domains_blocked": frozenset()}
        )
        assert problem_of_own_address(only_below, parse_address("a@example.test")) == (
            "Use an email address at *.example.test."
        )
        idn = settings.model_copy(
            update={"email_domains_allowed": frozenset({"xn--bcher-kva.example", "xn--a.example"})}
        )
        assert problem_of_own_address(idn, parse_address("a@example.test")) == (
            "Use an email address at b\u00fccher.example, xn--a.example."
        )

    def test_sign_up_and_a_change_of_address_are_refused_at_the_form(
        self, browser: Browser, work: Work, inbox: Inbox
    ) -> None:
        page = sign_up(browser, "ada@example.com")
        refused = "Email addresses at example.com are not accepted here"
        assert (page.status, refused in page.text) == (400, True)
        with work() as w:
            make_user(w, "operator@example.com")  # operators may use any domain
            make_user(w)
        assert sign_in(browser, "operator@example.com").path == "/account"
        sign_in(browser)
        browser.open("/account/email")
        page = browser.submit({"email": "ada@example.com"})
        assert (page.status, refused in page.text) == (400, True)
        assert inbox.letters() == []
