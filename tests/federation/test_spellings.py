"""Guesses at a user of a directory by other spellings of the address, which the directory takes for the same user."""

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from provider.accounts import linked_identities
from provider.federation import directories, ldap_client
from tests.federation.conftest import sign_out
from tests.federation.stand_in_directory import BASE, CORP, ID, StandIn, bind_error_of_active_directory, person
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import sign_in

ADA = "ada@corp.test"
DN = f"uid=ada,ou=people,{BASE}"
SPELLINGS = [
    "\u00e0da@corp.test",
    "ad\u00e1@corp.test",
    "\uff41da@corp.test",
    "a\u1e0fa@corp.test",
    "\u00e0d\u00e1@corp.test",
]
"""Of Ada's address: with accents, and with a letter of full width."""
OTHER = "\u00e0\u1e0f\u00e1@corp.test"


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return {"corp": CORP}


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn({DN: person("ada")}, lenient=True)
    monkeypatch.setattr(ldap_client, "open_connection", stand_in.open)
    monkeypatch.setattr(directories, "FAILURE_TAKES", 0.0)
    return stand_in


@pytest.fixture
def guessed(browser: Browser, directory: StandIn) -> StandIn:
    """Five wrong passwords, each with another spelling."""
    for spelling in SPELLINGS:
        assert sign_in(browser, spelling, password="x").status == 400
    assert directory.binds.count(DN) == 5
    return directory


def test_all_spellings_have_one_counter(browser: Browser, guessed: StandIn, clock: Clock) -> None:
    """N-607: the directory is not asked again. The answer is the one for an unknown user: a wait would show that there
    is one.
    """
    known, unknown = (sign_in(browser, address) for address in (OTHER, "\u00e9ve@corp.test"))
    assert known.status == unknown.status == 400
    assert known.text == unknown.text.replace("\u00e9ve@", OTHER.replace("corp.test", ""))
    assert guessed.binds.count(DN) == 5
    with capture_logs() as logs:
        sign_in(browser, OTHER)
    assert [line["reason"] for line in logs if line["event"] == "directory.rejected"] == ["too_many_attempts"]
    clock.advance(seconds=16)
    assert sign_in(browser, OTHER).path == "/account"


def test_a_linked_user_is_guessed_at_no_more_often(
    new_browser: Callable[[], Browser], browser: Browser, work: Work, directory: StandIn
) -> None:
    """The counter of the account is another one: these guesses make its user wait for nothing."""
    with work() as w:
        linked_identities.attach(w, user_id=make_user(w, email=ADA), issuer="ldap:corp", subject=ID, email=ADA)
    for spelling in SPELLINGS:
        sign_in(browser, spelling, password="x")
    assert sign_in(browser, OTHER).status == 400
    assert directory.binds.count(DN) == 5
    assert sign_in(new_browser(), ADA).path == "/account"


@pytest.mark.parametrize("ends", ["right", "expired"])
def test_the_right_password_begins_a_new_count(browser: Browser, directory: StandIn, ends: str) -> None:
    for _ in range(2):
        for spelling in SPELLINGS[:4]:
            assert sign_in(browser, spelling, password="x").status == 400
        if ends == "expired":
            directory.answers[DN] = bind_error_of_active_directory("532")
            assert sign_in(browser, OTHER).status == 403
            directory.answers.clear()
        else:
            assert sign_in(browser, OTHER).path == "/account"
            sign_out(browser)


def test_an_outage_is_no_attempt(browser: Browser, directory: StandIn) -> None:
    """N-608: also one that begins after the user was found."""
    directory.answers[DN] = {"result": 51, "description": "busy"}
    for _ in range(7):
        assert sign_in(browser, OTHER).status == 503
    directory.answers.clear()
    assert sign_in(browser, OTHER).path == "/account"
