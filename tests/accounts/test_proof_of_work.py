"""Proof of work: a puzzle for each form, solved once, and a stricter limit for forms without a solution."""

import hashlib
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from provider.accounts import proof_of_work
from provider.accounts.proof_of_work import Form
from provider.config.settings import Settings
from provider.crypto.vault import Vault
from tests.support.browser import Browser, Page
from tests.support.clock import Clock
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.limits import Lower
from tests.support.people import ADDRESS

BELOW = 300
Puzzle = dict[str, Any]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"proof_of_work": BELOW, "email_code_sign_in": True})


def puzzle_on(page: Page) -> Puzzle | None:
    found = re.search(r'data-proof="([^"]+)"', page.html)
    puzzle: Puzzle | None = None if found is None else json.loads(unescape(found[1]))
    return puzzle


def number_of(puzzle: Puzzle) -> int:
    """The work itself, as the script does it."""
    return next(
        number
        for number in range(puzzle["below"])
        if hashlib.sha256(f"{puzzle['salt']}{number}".encode()).hexdigest() == puzzle["target"]
    )


def solve(puzzle: Puzzle | None) -> str:
    assert puzzle is not None
    return f"{puzzle['ticket']}:{number_of(puzzle)}"


def sign_up(browser: Browser, email: str, proof: str | None = None) -> Page:
    page = browser.open("/signup")
    proof = solve(puzzle_on(page)) if proof is None else proof
    return browser.submit({"email": email, "password": PASSWORD, "proof": proof})


def test_a_solved_puzzle_signs_up(browser: Browser, lower: Lower) -> None:
    lower(unsolved="1/hour")
    for number in range(3):
        assert sign_up(browser, f"user{number}@example.test").path == "/verify-email"


def test_without_scripts_the_form_works_within_a_stricter_limit(browser: Browser, lower: Lower, inbox: Inbox) -> None:
    """N-66."""
    lower(unsolved="1/hour")
    assert sign_up(browser, "one@example.test", "").path == "/verify-email"
    page = sign_up(browser, "two@example.test", "")
    assert (page.status, puzzle_on(page) is not None) == (429, True)
    assert inbox.letters("two@example.test") == []
    assert sign_up(browser, "three@example.test").path == "/verify-email"


def test_a_solution_works_once(browser: Browser, lower: Lower) -> None:
    """N-67."""
    lower(unsolved="1/hour")
    proof = solve(puzzle_on(browser.open("/signup")))
    assert sign_up(browser, "one@example.test", proof).path == "/verify-email"
    assert sign_up(browser, "two@example.test", proof).path == "/verify-email"  # counted as one without
    assert sign_up(browser, "three@example.test", proof).status == 429


def test_the_puzzle_of_another_form_is_no_solution(browser: Browser, work: Work) -> None:
    """N-68."""
    for path, form in (("/forgot-password", Form.RESET), ("/login/email-code", Form.EMAIL_CODE)):
        proof = solve(puzzle_on(browser.open(path)))
        with work() as w:
            others = [other for other in Form if other is not form]
            assert not any(proof_of_work.is_solved(w, other, proof) for other in others)
            assert proof_of_work.is_solved(w, form, proof)


def test_an_expired_puzzle_is_no_solution(work: Work, clock: Clock) -> None:
    """N-69."""
    with work() as w:
        proof = solve(dict(proof_of_work.new_puzzle(w, Form.RESET) or {}))
    clock.advance(minutes=31)
    with work() as w:
        assert not proof_of_work.is_solved(w, Form.RESET, proof)


def test_a_puzzle_is_not_made_up_or_made_cheaper(work: Work) -> None:
    """N-70."""
    with work() as w:
        puzzle: Puzzle = dict(proof_of_work.new_puzzle(w, Form.RESET) or {})
        number = number_of(puzzle)
        sealed = {"form": "reset", "number": 0}
        foreign = Vault(("another secret key of 32 characters or more",)).seal(
            sealed, purpose=proof_of_work.PURPOSE, now=w.now, lifetime=proof_of_work.LIFETIME
        )
        other_purpose = w.vault.seal(sealed, purpose="keep-account", now=w.now, lifetime=proof_of_work.LIFETIME)
        cheaper = json.dumps({**puzzle, "below": 1, "target": hashlib.sha256(b"x0").hexdigest(), "salt": "x"})
        ticket = puzzle["ticket"]
        wrong: tuple[str, ...] = (
            *(f"{foreign}:0", f"{other_purpose}:0", f"{ticket}:{number + 1}", f"{ticket}:", ticket, ":", "", cheaper),
            *(f"{ticket}:{number}.0", f"{ticket}:+{number}", f"{ticket}: {number}", f"{ticket}:0{number}"),
            *(f"{ticket[:-2]}AA:{number}", f"x{ticket}:{number}", "\x00:1", "é" * 5000),
        )
        for proof in wrong:
            assert not proof_of_work.is_solved(w, Form.RESET, proof), proof
        assert proof_of_work.is_solved(w, Form.RESET, f"{ticket}:{number}")


@pytest.mark.both_databases
def test_of_two_solutions_at_once_one_counts(work: Work) -> None:
    with work() as w:
        proof = solve(dict(proof_of_work.new_puzzle(w, Form.RESET) or {}))
    with work() as w:
        assert proof_of_work.is_solved(w, Form.RESET, proof)
    with work() as w:
        assert not proof_of_work.is_solved(w, Form.RESET, proof)


def test_a_reset_and_a_code_by_email_are_limited_too(browser: Browser, lower: Lower, inbox: Inbox, work: Work) -> None:
    lower(unsolved="1/hour", mail_resend="10/30seconds")
    with work() as w:
        make_user(w)
    browser.open("/forgot-password")
    assert browser.submit({"email": ADDRESS}).path == "/forgot-password/sent"
    for path in ("/forgot-password", "/login/email-code"):
        browser.open(path)
        assert browser.submit({"email": ADDRESS}).status == 429
        proof = solve(puzzle_on(browser.open(path)))
        assert browser.submit({"email": ADDRESS, "proof": proof}).status == 200
    page = browser.page
    assert page is not None
    browser.submit({"email": ADDRESS, "again": "yes", "proof": solve(puzzle_on(page))})
    assert len(inbox.letters(ADDRESS)) == 4  # a link without a solution, then a link and two codes


def test_the_sign_in_page_has_a_puzzle_after_a_failure(browser: Browser, work: Work) -> None:
    with work() as w:
        make_user(w)
    assert puzzle_on(browser.open("/login")) is None
    page = browser.submit({"username": ADDRESS, "password": "wrong"})
    assert puzzle_on(page) is not None
    page = browser.submit({"username": ADDRESS, "password": PASSWORD, "proof": solve(puzzle_on(page))})
    assert page.path == "/account"


def test_failed_sign_ins_without_a_solution_are_limited_and_those_with_one_go_on(
    browser: Browser, new_browser: Callable[[], Browser], work: Work, lower: Lower
) -> None:
    lower(login_unsolved="2/5minutes")
    with work() as w:
        make_user(w)
        make_user(w, "grace@example.test")
    browser.open("/login")
    for _ in range(2):
        assert browser.submit({"username": "grace@example.test", "password": "wrong"}).status == 400
    assert browser.submit({"username": ADDRESS, "password": PASSWORD}).status == 429
    other = new_browser()
    page = other.open("/login")
    assert puzzle_on(page) is not None  # the network failed too often
    page = other.submit({"username": ADDRESS, "password": PASSWORD, "proof": solve(puzzle_on(page))})
    assert page.path == "/account"
    other.submit(action="/sign-out")
    other.open("/login")
    assert other.submit({"username": ADDRESS, "password": PASSWORD}).path == "/account"  # a known device


class TestOff:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url)

    def test_no_form_has_a_puzzle(self, browser: Browser, work: Work, lower: Lower) -> None:
        lower(unsolved="1/hour", login_unsolved="1/hour")
        for path in ("/signup", "/forgot-password"):
            assert puzzle_on(browser.open(path)) is None
        with work() as w:
            make_user(w)
        browser.open("/login")
        for _ in range(3):
            page = browser.submit({"username": ADDRESS, "password": "wrong"})
            assert (page.status, puzzle_on(page)) == (400, None)
