"""Failures per account: counted before the check, shared by every connection, said in docs/reference/throttling.md."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from provider.accounts import known_devices, throttle
from provider.accounts.store import failures
from provider.accounts.throttle import Exhausted, Policy
from provider.ratelimits import LIMITS
from provider.refusals import TooManyRequests
from provider.work import Installation, unit_of_work
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.server_process import REPOSITORY

pytestmark = pytest.mark.both_databases

DOCUMENT = REPOSITORY / "docs/reference/throttling.md"
FIVE = Policy(kind="test", ceiling=5)


def test_success_forgets_and_subjects_are_apart(work: Work) -> None:
    for _ in range(3):
        with work() as w:
            throttle.reserve(w, FIVE, "a")
    with work() as w:
        assert throttle.reserve(w, FIVE, "b") == 1
        throttle.settle(w, FIVE, "a")
    with work() as w:
        assert throttle.reserve(w, FIVE, "a") == 1


def test_a_failure_counts_even_when_the_rest_crashes(work: Work) -> None:
    with pytest.raises(ZeroDivisionError), work() as w:
        throttle.reserve(w, FIVE, "a")
        _ = 1 // 0
    with work() as w:
        assert failures.find_failures(w.read, "test", "a") == 1


def test_of_many_at_once_no_more_than_the_ceiling_are_let_through(installation: Installation, work: Work) -> None:
    """A-118."""

    def attempt(_: int) -> int:
        with unit_of_work(installation) as w:
            try:
                return throttle.reserve(w, FIVE, "a")
            except Exhausted:
                return 0

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(50)))
    assert sorted(answers)[45:] == [1, 2, 3, 4, 5]
    assert answers.count(0) == 45


def test_waits_are_on_the_clock_of_the_installation(work: Work, clock: Clock) -> None:
    for _ in range(5):
        with work() as w:
            throttle.reserve(w, throttle.PASSWORD, "a")
    with work() as w, pytest.raises(TooManyRequests) as refused:
        throttle.reserve(w, throttle.PASSWORD, "a")
    assert refused.value.retry_after == 15
    clock.advance(hours=25)
    with work() as w:
        assert throttle.reserve(w, throttle.PASSWORD, "a") == 1


def test_old_counters_are_purged_but_not_those_of_a_factor(work: Work, clock: Clock) -> None:
    with work() as w:
        throttle.reserve(w, throttle.PASSWORD, "a")
    with work() as w:
        throttle.reserve(w, throttle.SECOND_FACTOR, "a")
    clock.advance(days=2)
    with work() as w:
        assert throttle.purge(w, before=clock.now, limit=500) == 1
        assert failures.find_failures(w.read, "second_factor", "a") == 1


def test_the_reference_states_the_limits_in_effect() -> None:
    """ASVS v5.0.0-6.1.1. Replaces: limits, sessions, headers, validation, log."""
    text = DOCUMENT.read_text("utf-8")
    for limit in vars(LIMITS).values():
        assert f"| {limit} |" in text
    password, factor = throttle.PASSWORD, throttle.SECOND_FACTOR
    longest = int(password.longest_wait.total_seconds() // 60)
    assert f"| password | {password.free} failures | wait {int(password.first_wait.total_seconds())} s" in text
    assert f"to {longest} min at most" in text
    assert f"{throttle.FAILURES_PER_SIGN_IN} failures per sign-in" in text
    assert f"after {factor.ceiling} failures in a row" in text
    assert replace(password, kind=throttle.KNOWN_DEVICE.kind) == throttle.KNOWN_DEVICE
    assert f"knows {known_devices.MOST} devices at most" in text
    assert f"after {known_devices.KEPT_FOR.days} days without a sign-in" in text
    rush = throttle.RUSH
    assert rush.free == 1
    assert rush.forget_after is not None
    assert f"wait {int(rush.first_wait.total_seconds())} s before its password is checked" in text
    assert f"away for {int(rush.forget_after.total_seconds() // 60)} min begins" in text
    assert f"After {LIMITS.all_logins.partition('/')[0]} failed sign-ins in a minute" in text
    assert f"| code in a verification email | {throttle.EMAIL_CODE.ceiling} failures |" in text
