"""The same thing several times at once: it counts once (A-113, A-118)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.api.conftest import App, Caller, turn_on_two_factor
from tests.support.clock import Clock
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER
from tests.support.people import ADDRESS, code_of
from tests.support.relying_party import RelyingParty

TIMES = 6

Answer = TypeVar("Answer")

pytestmark = [pytest.mark.both_databases, pytest.mark.race]


def at_once(act: Callable[[int], Answer]) -> list[Answer]:
    line = Barrier(TIMES)

    def go(number: int) -> Answer:
        line.wait()
        return act(number)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(go, range(TIMES)))


@pytest.fixture
def clients(app: Starlette) -> list[TestClient]:
    return [TestClient(app, base_url=ISSUER) for _ in range(TIMES)]


def test_one_code_finishes_one_sign_in(
    app_of_ours: App, as_ada: Caller, clients: list[TestClient], clock: Clock, unlimited: None
) -> None:
    key, _ = turn_on_two_factor(as_ada, clock)
    clock.advance(minutes=1)
    handles = [app_of_ours.challenge().json()["auth_session"] for _ in range(TIMES)]
    rp = app_of_ours.rp
    apps = [App(client, RelyingParty(client, rp.client, rp.secret)) for client in clients]
    otp = code_of(key, clock.now)
    answers = at_once(lambda number: apps[number].challenge(auth_session=handles[number], otp=otp))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.status_code for answer in answers} <= {200, 400, 403}


def test_one_set_up_is_confirmed_once(as_ada: Caller, clients: list[TestClient], clock: Clock, unlimited: None) -> None:
    key = as_ada("POST", "/two-factor").json()["key"]
    code = code_of(key, clock.now)
    answers = at_once(lambda number: Caller(clients[number], as_ada.token)("POST", "/two-factor/confirm", code=code))
    assert [answer.status_code for answer in answers].count(200) == 1
    assert all(answer.status_code < 500 for answer in answers)


def test_one_change_of_address_is_confirmed_once(
    as_ada: Caller, clients: list[TestClient], inbox: Inbox, unlimited: None
) -> None:
    """One letter tells the old mailbox, with one way back."""
    as_ada("POST", "/email", email="ada@new.example.test")
    code = inbox.latest("ada@new.example.test").code
    answers = at_once(lambda number: Caller(clients[number], as_ada.token)("POST", "/email/confirm", code=code))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * (TIMES - 1)
    assert ["was changed" in letter.subject for letter in inbox.letters(ADDRESS)].count(True) == 1
    assert as_ada.get("/email") == {"email": "ada@new.example.test"}


def test_first_calls_at_once_are_no_crash(as_ada: Caller, clients: list[TestClient]) -> None:
    """Each may make the app's own session; the last one is it."""
    answers = at_once(
        lambda number: Caller(clients[number], as_ada.token)("POST", "/confirm-password", password=PASSWORD)
    )
    assert {answer.status_code for answer in answers} <= {200, 400, 429}
    assert as_ada.get("/confirm-password")["confirmed"]


def test_a_code_used_while_the_set_is_renewed_is_used_or_dead(
    app_of_ours: App, as_ada: Caller, clients: list[TestClient], clock: Clock, unlimited: None
) -> None:
    """N-35: afterwards no code of the old set works, and each of the new one does, once."""
    _, old = turn_on_two_factor(as_ada, clock)
    handles = [app_of_ours.challenge().json()["auth_session"] for _ in range(TIMES)]
    rp = app_of_ours.rp
    apps = [App(client, RelyingParty(client, rp.client, rp.secret)) for client in clients]

    def act(number: int) -> httpx2.Response:
        if number == 0:
            return Caller(clients[0], as_ada.token)("POST", "/recovery-codes")
        return apps[number].challenge(auth_session=handles[number], recovery_code=old[number])

    renewed, *used = at_once(act)
    assert renewed.status_code == 201
    assert {answer.status_code for answer in used} <= {200, 400, 403}
    fresh = renewed.json()["codes"]
    handle = app_of_ours.challenge().json()["auth_session"]
    assert app_of_ours.challenge(auth_session=handle, recovery_code=old[-1]).status_code in {400, 403}
    handle = app_of_ours.challenge().json()["auth_session"]
    assert app_of_ours.challenge(auth_session=handle, recovery_code=fresh[0]).status_code == 200
    assert as_ada.get("/recovery-codes")["left"] == 9


def test_of_two_new_passwords_at_once_one_is_the_password(
    app_of_ours: App, as_ada: Caller, clients: list[TestClient], unlimited: None
) -> None:
    """N-36: the other change is refused, and its password signs nobody in."""
    news = [f"quiet afternoon number {number}" for number in range(TIMES)]

    def change(number: int) -> httpx2.Response:
        caller = Caller(clients[number], as_ada.token)
        return caller("PUT", "/password", current_password=PASSWORD, new_password=news[number])

    answers = at_once(change)
    done = [new for new, answer in zip(news, answers, strict=True) if answer.status_code == 204]
    assert len(done) == 1
    assert all(answer.status_code < 500 for answer in answers)
    assert app_of_ours.challenge(password=done[0]).status_code == 200
    for new in [PASSWORD, *sorted(set(news) - set(done))][:3]:
        assert app_of_ours.challenge(password=new).json()["error"] == "access_denied"
