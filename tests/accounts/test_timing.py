"""No form tells by its time who has an account (A-61, A-81, A-86).

How this is judged, and why a busy machine does not fail it, is said in tests/support/timing.py. What can be shown
without a clock is shown without: the work that checking a password is.
"""

import itertools
import random
import re
from collections.abc import Callable, Mapping
from html import unescape
from statistics import median
from time import monotonic, perf_counter
from types import SimpleNamespace

import bcrypt
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from provider.accounts import timing as constant_time_response
from provider.accounts.store import passwords
from provider.config.settings import Settings
from provider.crypto.passwords import hash_password
from provider.mail import messages
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.people import find_user
from tests.support.silence import ACCOUNTS, NOBODY, address_of, make_everybody
from tests.support.timing import differing, mann_whitney

COST = 6
"""A check takes milliseconds: as much as the rest of the request, so that leaving it out shows."""
CHOSEN = "chosen by whoever signs up"
OLDER = "old"
"""Whose password was hashed when the work factor was lower."""
HEADERS = {"sec-fetch-site": "same-origin", "accept": "text/html"}

Post = Callable[[], object]


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_for(database_url, bcrypt_cost=COST, verify_link_lifetime="10000d", email_code_sign_in=True)


@pytest.fixture
def everybody(work: Work) -> None:
    make_everybody(work)
    with work() as w:
        make_user(w, address_of(OLDER))
    with work() as w:
        hashed = hash_password(PASSWORD, cost=COST - 2)
        passwords.replace(w.db, find_user(work, address_of(OLDER)).id, hashed, now=w.now)


@pytest.fixture
def letter(work: Work, monkeypatch: pytest.MonkeyPatch) -> Post:
    """What writing one takes. On a machine so slow that it does not fit into the pace, the pace is slower too."""

    def write() -> None:
        with work() as w:
            messages.already_registered(w, to=address_of(NOBODY), carry={})

    took = []
    for _ in range(9):
        began = perf_counter()
        write()
        took.append(perf_counter() - began)
    monkeypatch.setattr(constant_time_response, "PACE", max(constant_time_response.PACE, 8 * median(took)))
    return write


def form(app: Starlette, page: str, action: str, fields: Callable[[], Mapping[str, str]]) -> Post:
    """A browser at a page of ours, and the sending of its form."""
    http = TestClient(app, base_url=ISSUER, follow_redirects=False)
    html = http.get(page, headers=HEADERS).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', html)
    target = re.search(rf'action="({action}(?:\?[^"]*)?)"', html)
    assert token is not None
    assert target is not None
    url, csrf = unescape(target[1]), token[1]
    return lambda: http.post(url, data={"csrf_token": csrf, **fields()}, headers=HEADERS)


def ticket_of(app: Starlette, who: str) -> str:
    """The page after a sign-up."""
    fields = {"email": address_of(who), "password": PASSWORD, "name": ""}
    response = form(app, "/signup", "/signup", lambda: fields)()
    location: str = response.headers["location"]  # type: ignore[attr-defined]
    return location


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("password", "whose"),
    [("a wrong guess", (*ACCOUNTS, OLDER)), ("", ("act", "pas")), ("x" * 10_000, ("act", "pas"))],
    ids=["wrong", "none", "10 kB"],
)
def test_signing_in_takes_the_same_whoever_has_the_address(
    app: Starlette, everybody: None, unlimited: None, clock: Clock, password: str, whose: tuple[str, ...]
) -> None:
    def post(who: str) -> Post:
        fields = {"username": address_of(who), "password": password}
        return form(app, "/login", "/login", lambda: fields)

    hashed = bcrypt.hashpw(b"a password", bcrypt.gensalt(COST))
    differs = differing(
        {who: post(who) for who in (NOBODY, *whose)},
        like=NOBODY,
        shows=lambda: bcrypt.checkpw(b"another", hashed),
        part=0.5,
        between=lambda: clock.advance(hours=25),  # no wait after failures
    )
    assert not differs


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("page", ["/signup", "/forgot-password", "/login/email-code"])
def test_asking_for_a_letter_takes_the_same_whoever_has_the_address(
    app: Starlette, everybody: None, unlimited: None, letter: Post, page: str
) -> None:
    number = itertools.count()

    def post(who: str) -> Post:
        def fields() -> dict[str, str]:
            # Who signed up is nobody no more.
            address = address_of(f"n{next(number)}" if who == NOBODY else who)
            return {"email": address, **({"password": PASSWORD, "name": ""} if page == "/signup" else {})}

        return form(app, page, page, fields)

    kinds = {who: post(who) for who in (NOBODY, "act", "unv", "sus")}
    assert not differing(kinds, like=NOBODY, shows=letter, part=0.5, between=lambda: None)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("action", ["/verify-email/resend", "/verify-email"])
def test_the_page_after_a_sign_up_takes_the_same_whoever_has_the_address(
    app: Starlette, everybody: None, unlimited: None, letter: Post, clock: Clock, action: str
) -> None:
    fields = {"code": "000000"} if action == "/verify-email" else {}
    kinds = {who: form(app, ticket_of(app, who), action, lambda: fields) for who in (NOBODY, "act", "sus")}
    differs = differing(kinds, like=NOBODY, shows=letter, part=0.5, between=lambda: clock.advance(hours=2))
    assert not differs


@pytest.mark.slow
@pytest.mark.nightly
def test_a_wrong_code_by_email_takes_the_same_whoever_has_the_address(
    app: Starlette, everybody: None, unlimited: None, letter: Post, clock: Clock
) -> None:
    """Each attempt is the first one for its code: after five wrong ones, a code is not looked up any more."""
    attempts: dict[str, Post] = {}

    def ask_again() -> None:
        clock.advance(hours=25)  # no wait after failures
        for who in (NOBODY, "act"):
            fields = {"email": address_of(who)}
            response = form(app, "/login/email-code", "/login/email-code", lambda fields=fields: fields)()  # type: ignore[misc]
            location = response.headers["location"]  # type: ignore[attr-defined]
            attempts[who] = form(app, location, "/login/email-code/enter", lambda: {"code": "000000"})

    ask_again()
    kinds = {who: lambda who=who: attempts[who]() for who in attempts}
    assert not differing(kinds, like=NOBODY, shows=letter, part=0.5, between=ask_again)


def test_a_wrong_password_is_the_same_work_whoever_has_the_address(
    app: Starlette, everybody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-61, without a clock: rounds of bcrypt."""
    rounds: list[int] = []
    check = bcrypt.checkpw

    def count(password: bytes, hashed: bytes) -> bool:
        rounds.append(1 << int(hashed.split(b"$")[2]))
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    for who in (NOBODY, *ACCOUNTS, OLDER):
        for password in ("a wrong guess", "", "x" * 10_000):
            rounds.clear()
            fields = {"username": address_of(who), "password": password}
            form(app, "/login", "/login", lambda fields=fields: fields)()  # type: ignore[misc]
            # The owner's, and that of whoever claimed the address without proof (decision 41).
            assert sum(rounds) == 2 << COST, who


def test_the_password_of_a_sign_up_is_the_same_work_whoever_has_the_address(
    app: Starlette, everybody: None, unlimited: None, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decision 41, without a clock: two checks and one even pace, which ends after the letter."""
    waits: list[int] = []
    checks: list[bytes] = []
    check = bcrypt.checkpw

    def count(password: bytes, hashed: bytes) -> bool:
        checks.append(hashed)
        return check(password, hashed)

    for who in (NOBODY, *ACCOUNTS):
        fields = {"email": address_of(who), "password": CHOSEN, "name": ""}
        form(app, "/signup", "/signup", lambda fields=fields: fields)()  # type: ignore[misc]
    wait = SimpleNamespace(monotonic=monotonic, sleep=lambda _seconds: waits.append(len(inbox.letters())))
    monkeypatch.setattr(constant_time_response, "time", wait)
    monkeypatch.setattr(bcrypt, "checkpw", count)
    for who in (NOBODY, *ACCOUNTS):
        waits.clear()
        checks.clear()
        fields = {"username": address_of(who), "password": CHOSEN}
        answer = form(app, "/login", "/login", lambda fields=fields: fields)()  # type: ignore[misc]
        assert answer.headers["location"].startswith("/verify-email?"), who  # type: ignore[attr-defined]
        assert (len(checks), waits) == (2, [len(inbox.letters())]), who


def test_what_differs_is_inside_the_even_pace(
    app: Starlette, everybody: None, unlimited: None, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-81, A-86, without a clock: whoever asks is kept waiting once, after the letter is written, if there is one."""
    waits: list[int] = []
    monkeypatch.setattr(constant_time_response, "PACE", 3600)
    wait = SimpleNamespace(monotonic=monotonic, sleep=lambda _seconds: waits.append(len(inbox.letters())))
    monkeypatch.setattr(constant_time_response, "time", wait)
    for who in (NOBODY, *ACCOUNTS):
        fields = {"email": address_of(who), "password": PASSWORD, "name": ""}
        posts = [form(app, page, page, lambda fields=fields: fields) for page in ("/forgot-password", "/signup")]  # type: ignore[misc]
        posts.append(form(app, ticket_of(app, who), "/verify-email/resend", dict))
        for post in posts:
            waits.clear()
            post()
            assert waits == [len(inbox.letters())], who


def test_the_statistic_tells_a_shift_from_noise() -> None:
    chance = random.Random(1)
    some = [chance.gauss(10, 1) for _ in range(100)]
    assert mann_whitney(some, [chance.gauss(10, 1) for _ in range(100)]) > 0.05
    assert mann_whitney(some, [chance.gauss(11, 1) for _ in range(100)]) < 1e-6
    assert mann_whitney([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == pytest.approx(0.0495, abs=0.0001)  # tabulated
