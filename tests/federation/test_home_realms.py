"""Domains that belong to an upstream, and what an upstream's claims give: accounts, profile fields and roles."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.applications import Starlette

from provider.accounts import linked_identities as ways_in
from provider.accounts import users as accounts
from provider.accounts.links import issue_link
from provider.accounts.passwords.password_reset import InvalidResetLink, reset_password
from provider.accounts.store import email_addresses, linked_identities, users
from provider.accounts.store.links import Purpose
from provider.work import Installation
from tests.federation.conftest import EXAMPLE, NewTraveller, identities_of, sign_out
from tests.federation.fake_provider import FakeProvider, Traveller
from tests.support.browser import Browser, Page
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import is_signed_in, sign_in

ADDRESS = "ada@example.test"


def goes_there(page: Page) -> bool:
    return "Continue to Example" in page.links


def type_in(browser: Browser, address: str = ADDRESS, password: str = PASSWORD) -> Page:
    browser.open("/login")
    return browser.submit({"username": address, "password": password}, button="Sign in")


class TestDomains:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"example": EXAMPLE | {"domains": ["Example.test"]}}

    def test_an_address_without_a_password_leads_to_its_provider(self, browser: Browser, ada: str) -> None:
        page = type_in(browser, " ada@EXAMPLE.test ", "")
        assert goes_there(page)
        asked = dict(parse_qsl(urlsplit(page.links["Continue to Example"]).query))
        assert asked["login_hint"] == "ada@EXAMPLE.test"
        for other in ("ada@sub.example.test", "ada@example.test.evil.test", "ada", "@", "ada@"):
            assert not goes_there(type_in(browser, other, ""))

    def test_a_password_still_works_where_the_provider_is_not_required(self, browser: Browser, ada: str) -> None:
        assert type_in(browser).path == "/account"


class TestRequired:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"example": EXAMPLE | {"domains": ["example.test"], "is_required_for_domains": True}}

    def test_a_password_of_such_an_address_opens_nothing(self, browser: Browser, ada: str, inbox: Inbox) -> None:
        """N-285: nor can a new one be set, nor an account be made."""
        assert goes_there(type_in(browser))
        assert goes_there(type_in(browser, "nobody@example.test", "x"))
        browser.open("/forgot-password")
        assert goes_there(browser.submit({"email": ADDRESS}))
        browser.open("/signup")
        given = {"email": "new@example.test", "password": "quite another horse battery"}
        assert goes_there(browser.submit(given))
        assert inbox.letters() == []
        assert not is_signed_in(browser)

    def test_a_link_from_before_sets_no_password(self, app: Starlette, work: Work, ada: str) -> None:
        """N-286."""
        with work() as w:
            address = email_addresses.find_of_user(w.read, ada)
            assert address is not None
            assert app.state.upstreams.shown
            token = issue_link(w, purpose=Purpose.RESET, address=address).token
        with pytest.raises(InvalidResetLink), work() as w:
            reset_password(w, token=token, password="quite another horse battery")

    def test_the_provider_opens_the_account_of_its_address_once(
        self, traveller: Traveller, new_traveller: NewTraveller, work: Work, ada: str, inbox: Inbox
    ) -> None:
        """N-287: another user who has the address later is not let in."""
        assert traveller.sign_in().path == "/account"
        assert [one.subject for one in identities_of(work, ada)] == ["ada-at-example"]
        assert "Example" in inbox.latest(ADDRESS).subject + str(inbox.latest(ADDRESS).text)
        traveller.provider.claims["sub"] = "successor-at-example"
        page = new_traveller().sign_in()
        assert page.status == 403
        assert "Contact your administrator" in page.text
        assert len(identities_of(work, ada)) == 1

    def test_a_report_leads_back_to_the_provider_and_sets_no_password(
        self, traveller: Traveller, work: Work, ada: str, inbox: Inbox
    ) -> None:
        """N-616: "This was not me". A link for a password would be dead after the password is typed."""
        traveller.sign_in()
        with work() as w:
            ways_in.attach(w, user_id=ada, issuer="https://elsewhere.test", subject="mallory", email=None)
        page = traveller.browser.open("/account/activity/not-me")
        assert "Disable your password" not in page.text
        assert "Unlink your accounts with other providers" in page.text
        page = traveller.browser.submit(button="Secure my account")
        assert "You sign in to Signet with your Example password" in page.text
        assert inbox.latest(ADDRESS).subject == "Your password is managed by Example"
        assert [one.subject for one in identities_of(work, ada)] == ["ada-at-example"]
        assert traveller.sign_in().path == "/account"

    @pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": "ada@other.test"}])
    def test_only_a_verified_address_of_the_domain_counts(
        self, traveller: Traveller, work: Work, claims: dict[str, Any]
    ) -> None:
        """N-288."""
        with work() as w:
            ada = make_user(w, claims.get("email", ADDRESS))
        traveller.provider.claims |= claims
        assert traveller.sign_in().status == 403
        assert identities_of(work, ada) == []

    def test_an_office_signs_in_for_the_first_time_from_one_address(
        self, new_traveller: NewTraveller, provider: FakeProvider, lower: Lower
    ) -> None:
        """N-606: sign-ups with addresses at other domains are limited as without a provider."""
        lower(sign_up="1/hour")
        others = [("one@other.test", 200), ("two@other.test", 429), ("three@example.test", 200)]
        for address, status in [("four@example.test", 200), ("five@example.test", 200), *others]:
            provider.claims |= {"sub": address, "email": address}
            assert new_traveller().sign_in().status == status, address


class TestUnknownUsers:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {"example": EXAMPLE | {"allowed_domains": ["example.com"], "refuses_unknown_users": True}}

    def test_only_users_of_the_domains_get_an_account_and_others_are_turned_away(
        self, traveller: Traveller, new_traveller: NewTraveller
    ) -> None:
        """N-289."""
        page = traveller.sign_in()
        assert page.status == 403
        assert "Contact your administrator" in page.text
        traveller.provider.claims |= {"sub": "another", "email": "ada@example.com"}
        assert new_traveller().sign_in().path == "/account"


class TestMapping:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        mapping = {"roles_claim": "realm.groups"}
        return {"example": EXAMPLE | mapping}

    @pytest.fixture
    def settings(self, settings: Any) -> Any:
        with settings.upstreams.open("a") as file:
            file.write('roles = { editors = "editor", staff = "staff" }\nclaims = { nickname = "login" }\n')
        return settings

    def roles(self, work: Work, provider: FakeProvider) -> list[str]:
        with work() as w:
            [user] = [users.find(w.read, row.user_id) for row in self.identities(w)]
            assert user is not None
            return sorted(user.roles)

    def identities(self, w: Any) -> Any:

        found = linked_identities.find(w.read, "https://op.example.test", "ada-at-example")
        return [found]

    def test_roles_of_the_provider_are_replaced_and_those_of_operators_stay(
        self, traveller: Traveller, provider: FakeProvider, work: Work
    ) -> None:
        """N-290: a value without a role here gives none."""
        provider.claims |= {"realm": {"groups": ["editors", "admin", "unknown", 5]}, "login": "Addie"}
        assert traveller.sign_in().path == "/account"
        assert self.roles(work, provider) == ["editor"]
        with work() as w:
            [identity] = self.identities(w)
            user = users.find(w.read, identity.user_id)
            assert user is not None
            assert user.claims["nickname"] == "Addie"
            accounts.set_roles(w, user_id=identity.user_id, roles=["editor", "buyer"])
        steps: list[tuple[Any, list[str]]] = [
            ({"groups": ["staff"]}, ["buyer", "staff"]),
            ({"groups": "editors"}, ["buyer", "editor"]),
            ({"groups": {}}, ["buyer"]),
            (["editors"], ["buyer"]),
            (None, ["buyer"]),
        ]
        for claim, roles in steps:
            provider.claims["realm"] = claim
            sign_out(traveller.browser)
            assert traveller.sign_in().path == "/account"
            assert self.roles(work, provider) == roles, claim


def test_nothing_changes_without_domains(browser: Browser, ada: str, installation: Installation) -> None:
    assert sign_in(browser).path == "/account"
    assert installation.upstreams.home_realm_of("example.test") is None
