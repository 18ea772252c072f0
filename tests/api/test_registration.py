"""Registration by API: names, accepted domains, and the sign-in that follows where addresses are not verified."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette

from provider.accounts.store import email_addresses, terms_acceptances
from provider.accounts.store.users import Status
from provider.config.settings import Settings
from tests.api.conftest import SCOPE, VERIFIER, App, Caller, problem
from tests.api.test_at_once import TIMES, at_once
from tests.support.browser import Browser
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work
from tests.support.people import ADDRESS, find_user
from tests.support.relying_party import challenge_of

PKCE = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}


def members_of(response: Any) -> dict[str, str]:
    assert problem(response) == "invalid-body"
    return {error["member"]: error["problem"] for error in response.json()["errors"]}


def test_names_follow_the_rules_of_the_profile(app_of_ours: App, work: Work) -> None:
    """OIDC Core section 5.1."""
    given = {"email": ADDRESS, "password": PASSWORD, "given_name": " Ada", "family_name": "Lovelace"}
    wrong = app_of_ours.call("/register", **given, preferred_username="a" * 65, nickname="\x00")
    assert members_of(wrong).keys() == {"preferred_username", "nickname"}
    assert app_of_ours.call("/register", **given, preferred_username="ada").status_code == 202
    names = {"given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada", "name": "Ada Lovelace"}
    assert find_user(work).claims.items() >= names.items()


@pytest.mark.also_on_postgresql
def test_a_registration_that_is_sent_again_is_one_account(
    app_of_ours: App, register_app: Callable[..., App], inbox: Inbox, work: Work
) -> None:
    """A second press, or an app that got no answer and tries again: one email, and its code fits both tickets."""
    first, second = (
        app_of_ours.call("/register", email=ADDRESS, password=PASSWORD, name=name) for name in ("A", "Ada")
    )
    assert first.json().keys() == second.json().keys()
    [letter] = inbox.letters(ADDRESS)
    with work() as w:
        [(user, _)] = email_addresses.find_claims(w.read, ADDRESS)
    assert user.claims["name"] == "Ada"
    for app, password in ((app_of_ours, "another quiet afternoon"), (register_app(), PASSWORD)):
        stranger = app.call("/register", email=ADDRESS, password=password).json()["ticket"]
        assert app.call("/verify-email/confirm", ticket=stranger, code=letter.code).status_code == 400
    with work() as w:
        assert len(email_addresses.find_claims(w.read, ADDRESS)) == 3
    ticket = second.json()["ticket"]
    assert app_of_ours.call("/verify-email/confirm", ticket=ticket, code=letter.code).status_code == 204
    assert find_user(work).id == user.id
    assert app_of_ours.challenge(password=PASSWORD).status_code == 200


class TestRequiredNamesAndDomains:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        changes = {
            "sign_up_fields": ("given_name", "family_name"),
            "sign_up_required": ("family_name",),
            "email_domains_blocked": frozenset({"example.com"}),
        }
        return settings.model_copy(update=changes)

    def test_the_rules_of_the_form_apply(self, app_of_ours: App) -> None:
        wrong = members_of(app_of_ours.call("/register", email="ada@Example.com", password=PASSWORD, given_name="Ada"))
        assert list(wrong) == ["family_name", "email"]
        assert "not accepted" in wrong["email"]

    def test_a_change_of_address_follows_them_too(self, as_ada: Caller) -> None:
        assert members_of(as_ada("POST", "/email", email="ada@example.com")).keys() == {"email"}


class TestWithoutEmailVerification:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"features": settings.features - {"email-verification"}})

    def test_the_app_gets_a_code_without_the_password(self, app_of_ours: App, inbox: Inbox, work: Work) -> None:
        """First-Party Applications section 5.2: the auth_session of the sign-up continues to a code, once."""
        registered = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD, name="Ada").json()
        assert registered.keys() == {"email", "auth_session"}
        assert (find_user(work).status, inbox.letters()) == (Status.ACTIVE, [])
        session = registered["auth_session"]
        missing = app_of_ours.challenge(auth_session=session, scope=SCOPE)
        assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
        answer = app_of_ours.challenge(auth_session=session, scope=SCOPE, **PKCE)
        caller = Caller(app_of_ours.http, app_of_ours.redeem(answer)["access_token"])
        profile = caller.get("/profile")
        assert (profile["name"], profile["email_verified"]) == ("Ada", False)
        # It counts as a recent sign-in, and works once.
        assert caller.get("/confirm-password")["confirmed"] is True
        again = app_of_ours.challenge(auth_session=session, scope=SCOPE, **PKCE)
        assert again.json()["error"] == "invalid_session"

    def test_the_session_is_the_apps_alone(self, app_of_ours: App, register_app: Callable[..., App]) -> None:
        session = app_of_ours.call("/register", email=ADDRESS, password=PASSWORD).json()["auth_session"]
        other = register_app()
        assert other.challenge(auth_session=session, scope=SCOPE, **PKCE).json()["error"] == "invalid_session"

    def test_an_app_that_may_not_take_passwords_gets_no_session(self, register_app: Callable[..., App]) -> None:
        app = register_app(authorization_challenge=False)
        assert app.call("/register", email=ADDRESS, password=PASSWORD).json() == {"email": ADDRESS}

    def test_a_taken_address_is_refused(self, app_of_ours: App, ada: str, work: Work) -> None:
        refused = app_of_ours.call("/register", email=ADDRESS, password="another quiet afternoon")
        assert (refused.status_code, problem(refused)) == (409, "address-taken")
        assert find_user(work).id == ada


@pytest.mark.also_on_postgresql
@pytest.mark.race
class TestAtOnce:
    @pytest.fixture(params=["email-verification", "none"])
    def settings(self, settings: Settings, request: pytest.FixtureRequest) -> Settings:
        features = settings.features if request.param != "none" else settings.features - {"email-verification"}
        return settings.model_copy(update={"features": features, "password_threads": TIMES})

    def test_sign_ups_with_one_address_are_one_account(
        self, app: Starlette, settings: Settings, work: Work, unlimited: None
    ) -> None:
        """A form sent twice from one browser; without email verification also forms of different browsers."""
        verifies = settings.has("email-verification")
        browsers = [Browser(app, ISSUER) for _ in range(TIMES)]
        browsers[0].open("/signup")
        for browser in browsers:
            if verifies:
                browser.client.cookies.update(browsers[0].cookies)
            browser.open("/signup")
        pages = at_once(lambda number: browsers[number].submit({"email": ADDRESS, "password": PASSWORD}))
        paths = ["/verify-email"] * TIMES if verifies else ["/account", *["/signup"] * (TIMES - 1)]
        assert sorted(page.path for page in pages) == paths
        with work() as w:
            assert len(email_addresses.find_claims(w.read, ADDRESS)) == 1

    def test_registrations_of_an_app_with_one_address_and_password_are_one_account(
        self, app_of_ours: App, settings: Settings, work: Work, unlimited: None
    ) -> None:
        answers = at_once(lambda _: app_of_ours.call("/register", email=ADDRESS, password=PASSWORD))
        accepted = TIMES if settings.has("email-verification") else 1
        assert sorted(answer.status_code for answer in answers) == [202] * accepted + [409] * (TIMES - accepted)
        with work() as w:
            assert len(email_addresses.find_claims(w.read, ADDRESS)) == 1


class TestTermsOfService:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"terms_version": "2026-11", "terms_url": "https://example.test/terms"})

    def test_the_current_version_must_be_accepted(self, app_of_ours: App, inbox: Inbox, work: Work) -> None:
        given = {"email": ADDRESS, "password": PASSWORD}
        for accepted in ({}, {"accepted_terms": "2025-01"}):
            assert members_of(app_of_ours.call("/register", **given, **accepted)).keys() == {"accepted_terms"}
        answer = app_of_ours.call("/register", **given, accepted_terms="2026-11")
        assert answer.status_code == 202
        code = inbox.latest(ADDRESS).code
        app_of_ours.call("/verify-email/confirm", ticket=answer.json()["ticket"], code=code)
        with work() as w:
            [one] = terms_acceptances.find_of_users(w.read, [find_user(work).id])
        assert one.version == "2026-11"
        assert app_of_ours.challenge(password=PASSWORD).status_code == 200
