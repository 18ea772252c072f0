"""No operation before sign-in tells who has an account, and no dead token what became of it (A-61, A-81, A-83, A-86;
OWASP ASVS v5.0.0-6.3.8). The forms of the pages are in tests/accounts.
"""

from collections.abc import Callable

import httpx2
import pytest

from provider.accounts import suspension
from provider.accounts import timing as constant_time_response
from provider.accounts.email.email_addresses import parse_address
from provider.accounts.passwords import password_reset
from provider.accounts.users import delete_user
from tests.api.conftest import App
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.silence import (
    ASKED,
    NOBODY,
    SPELLINGS,
    WHO,
    Seen,
    address_of,
    assert_alike,
    make_everybody,
    most_slowly,
    seen,
)

Act = Callable[[App, str], list[httpx2.Response]]


def register(app: App, email: str, password: str = PASSWORD) -> list[httpx2.Response]:
    return [app.call("/register", email=email, password=password, name="Eve")]


def ask_for_a_reset(app: App, email: str) -> list[httpx2.Response]:
    return [app.call("/forgot-password", email=email)]


def ask_for_another_letter(app: App, email: str) -> list[httpx2.Response]:
    (registered,) = register(app, email)
    return [registered, app.call("/verify-email/letter", ticket=registered.json()["ticket"])]


def type_codes(app: App, email: str) -> list[httpx2.Response]:
    (registered,) = register(app, email)
    ticket = registered.json()["ticket"]
    return [app.call("/verify-email/confirm", ticket=ticket, code=f"00000{number}") for number in range(6)]


def guess(password: str, times: int = 1) -> Act:
    return lambda app, email: [app.challenge(username=email, password=password) for _ in range(times)]


def guess_register_and_guess(app: App, email: str) -> list[httpx2.Response]:
    return [*guess("a wrong guess", 7)(app, email), *register(app, email), *guess("a wrong guess")(app, email)]


def register_and_sign_in(app: App, email: str) -> list[httpx2.Response]:
    """Decision 41: with the password that was chosen, which is nobody else's."""
    chosen = "chosen by whoever registers"
    return [*register(app, email, chosen), *guess(chosen)(app, email), *guess("a wrong guess")(app, email)]


ACTS: dict[str, tuple[Act, int]] = {
    "register": (register, 1),
    "forgotten password": (ask_for_a_reset, 0),
    "a new email": (ask_for_another_letter, 2),
    "code": (type_codes, 1),
    "sign-in": (guess("a wrong guess"), 0),
    "sign-in, 10 kB": (guess("x" * 10_000), 0),
    "sign-in until it waits": (guess("a wrong guess", 7), 0),
    "sign-in, register, sign-in": (guess_register_and_guess, 1),
    "register, sign-in with its password": (register_and_sign_in, 2),
}
"""What is done, and how many letters somebody gets who never was here."""


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer takes is not what is judged here."""
    monkeypatch.setattr(constant_time_response, "PACE", 0)


@pytest.mark.parametrize(("database_url", "spelling"), ASKED, indirect=["database_url"])
@pytest.mark.parametrize("name", most_slowly(ACTS))
def test_an_operation_answers_alike_whoever_has_the_address(
    app_of_ours: App, work: Work, inbox: Inbox, unlimited: None, name: str, spelling: str
) -> None:
    make_everybody(work)
    act, letters = ACTS[name]
    saw: dict[str, list[Seen]] = {}
    for who in WHO:
        typed, before = SPELLINGS[spelling](who), len(inbox.letters())
        saw[who] = [seen(answer, typed) for answer in act(app_of_ours, typed)]
        wrote = inbox.letters()[before:]
        # Of a reset only owners hear, and of a suspended one not even they.
        asked = name == "forgotten password" and spelling != "tagged" and who in {"act", "two", "unv", "pas", "lea"}
        assert len(wrote) == letters + asked, who
        assert {letter.to.lower() for letter in wrote} <= {typed.strip().lower()}, who
    assert_alike(saw)


def test_a_dead_token_does_not_tell_what_became_of_it(
    app_of_ours: App, work: Work, inbox: Inbox, unlimited: None, clock: Clock
) -> None:
    """A-83: never made, run out, replaced, of another purpose, of an account that is suspended or gone."""

    def ask(email: str) -> str:
        address = parse_address(email)
        assert address is not None
        with work() as w:
            password_reset.request_reset(w, address=address, carry={})
        return inbox.latest(email).link.partition("token=")[2]

    with work() as w:
        old, gone, suspended = (make_user(w, f"{name}@example.test") for name in ("old", "gone", "suspended"))
        make_user(w, "late@example.test")
    tokens = {NOBODY: "x" * 43, "late": ask("late@example.test")}
    clock.advance(minutes=31)
    tokens["replaced"] = ask("old@example.test")
    ask("old@example.test")
    tokens |= {"gone": ask("gone@example.test"), "suspended": ask("suspended@example.test")}
    with work() as w:
        delete_user(w, user_id=gone)
        suspension.suspend(w, user_id=suspended, reason=None)
    app_of_ours.call("/register", email=address_of(NOBODY), password=PASSWORD)
    tokens["to verify"] = inbox.latest(address_of(NOBODY)).link.partition("token=")[2]
    for path, body in (("/reset-password/check", {}), ("/reset-password", {"password": "another quiet afternoon"})):
        assert_alike({what: seen(app_of_ours.call(path, token=token, **body), token) for what, token in tokens.items()})
    assert old
