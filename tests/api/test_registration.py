"""Registration by API: names, accepted domains, and the sign-in that follows where addresses are not verified."""

from collections.abc import Callable
from typing import Any

import pytest

from provider.accounts.store.users import Status
from provider.config.settings import Settings
from tests.api.conftest import SCOPE, VERIFIER, App, Caller, problem
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import Work
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
