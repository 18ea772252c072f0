"""A code by email at the authorization challenge endpoint (draft-ietf-oauth-first-party-apps section 5)."""

from typing import Any

import httpx2
import pytest

from provider.accounts import suspension
from provider.config.settings import Settings
from provider.sessions import store
from tests.api.conftest import App, Caller, turn_on_two_factor
from tests.support.clock import Clock
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.limits import Lower
from tests.support.people import ADDRESS, code_of

NOBODY = "nobody@example.test"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"email_code_sign_in": True})


def ask(app: App, **form: str | None) -> dict[str, Any]:
    answer = app.challenge(**{"password": None, "email_code": "true", **form})
    assert answer.status_code == 403, answer.text
    body: dict[str, Any] = answer.json()
    assert body["error"] == "insufficient_authorization"
    return body


def send(app: App, asked: dict[str, Any], code: str) -> httpx2.Response:
    return app.challenge(auth_session=asked["auth_session"], email_code=code)


def test_a_code_by_email_becomes_an_authorization_code(
    app_of_ours: App, ada: str, inbox: Inbox, work: Work, settings: Settings
) -> None:
    """RFC 8176 section 2: one factor, `otp`."""
    asked = ask(app_of_ours, nonce="n")
    assert asked["expires_in"] == settings.verify_code_lifetime.total_seconds()
    code = inbox.latest(ADDRESS).code
    tokens = app_of_ours.redeem(send(app_of_ours, asked, f"{code[:3]} {code[3:]}"))
    assert tokens["id_token"]
    with work() as w:
        (session,) = store.find_all(w.read, ada)
    assert (session.amr, session.kept) == ("otp", False)
    assert send(app_of_ours, asked, code).json()["error"] == "insufficient_authorization", "it works once"


def test_an_unknown_address_gets_the_same_answers(app_of_ours: App, ada: str, inbox: Inbox) -> None:
    """A-61."""
    bodies = []
    for address in (ADDRESS, NOBODY):
        asked = ask(app_of_ours, username=address)
        wrong = send(app_of_ours, asked, "000000").json()
        assert wrong["auth_session"] == asked["auth_session"]
        bodies.append([{**one, "auth_session": "", "error_id": ""} for one in (asked, wrong)])
    assert bodies[0] == bodies[1]
    assert [letter.to for letter in inbox.letters()] == [ADDRESS]


def test_a_code_is_for_the_auth_session_that_asked_for_it(app_of_ours: App, ada: str, inbox: Inbox) -> None:
    """As on our pages: a code that is read aloud or stolen is of no use elsewhere."""
    asked = ask(app_of_ours)
    code = inbox.latest(ADDRESS).code
    other = ask(app_of_ours, username=ADDRESS)
    assert send(app_of_ours, other, code).status_code == 403
    assert send(app_of_ours, asked, code).status_code == 200


def test_another_email_is_asked_for_with_the_same_auth_session(
    app_of_ours: App, ada: str, inbox: Inbox, lower: Lower
) -> None:
    first = ask(app_of_ours)
    code = inbox.latest(ADDRESS).code
    again = ask(app_of_ours, auth_session=first["auth_session"], username=ADDRESS)
    assert len(inbox.letters()) == 1, "not so soon"
    assert send(app_of_ours, again, code).status_code == 200, "then it leads to the code from before"


def test_five_wrong_codes_end_it(app_of_ours: App, ada: str, inbox: Inbox) -> None:
    asked = ask(app_of_ours)
    code = inbox.latest(ADDRESS).code
    statuses = {send(app_of_ours, asked, "000000").status_code for _ in range(5)}
    assert statuses <= {403, 429}
    assert send(app_of_ours, asked, code).status_code in {403, 429}


def test_the_second_factor_is_still_due(
    app_of_ours: App, as_ada: Caller, ada: str, inbox: Inbox, clock: Clock, work: Work
) -> None:
    key, _ = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=2)
    asked = ask(app_of_ours)
    due = send(app_of_ours, asked, inbox.latest(ADDRESS).code).json()
    assert due["error"] == "insufficient_authorization"
    assert due["auth_session"] != asked["auth_session"]
    done = app_of_ours.challenge(auth_session=due["auth_session"], otp=code_of(key, clock.now))
    assert app_of_ours.redeem(done)
    with work() as w:
        assert "otp mfa" in {session.amr for session in store.find_all(w.read, ada)}


def test_a_suspended_account_stays_out(app_of_ours: App, ada: str, inbox: Inbox, work: Work) -> None:
    asked = ask(app_of_ours)
    code = inbox.latest(ADDRESS).code
    with work() as w:
        suspension.suspend(w, user_id=ada, reason=None)
    assert send(app_of_ours, asked, code).status_code in {400, 403}


def test_what_is_missing_or_wrong_is_said(app_of_ours: App, ada: str, inbox: Inbox) -> None:
    for form in ({"username": "no address"}, {"username": None}, {"code_challenge": None}):
        answer = app_of_ours.challenge(**{"password": None, "email_code": "true", **form})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), form
    asked = ask(app_of_ours)
    assert app_of_ours.challenge(auth_session=asked["auth_session"]).json()["error"] == "invalid_request"
    assert app_of_ours.challenge(auth_session="x", email_code="123456").json()["error"] == "invalid_session"
    assert send(app_of_ours, asked, inbox.latest(ADDRESS).code).status_code == 200, "nothing was used up"


class TestOff:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"email_code_sign_in": False})

    def test_it_needs_the_setting(self, app_of_ours: App, ada: str, inbox: Inbox) -> None:
        answer = app_of_ours.challenge(password=None, email_code="true").json()
        assert answer["error"] == "invalid_request"
        assert "turned off" in answer["error_description"]
        assert inbox.letters() == []
