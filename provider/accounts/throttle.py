"""Limits on wrong passwords and codes per account, counted in SQL before the check.

Of 200 simultaneous attempts, no more are checked than the policy allows. docs/reference/throttling.md explains the
numbers.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from provider.accounts.store import failures
from provider.accounts.store.failures import Counter
from provider.refusals import Refusal, TooManyRequests
from provider.work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The limits on guessing one kind of secret."""

    kind: str
    ceiling: int = 1_000_000_000
    """The number of failures in a row after which no attempt is checked any more."""
    free: int | None = None
    """The number of failures without a wait. After that the wait doubles from `first_wait` to `longest_wait`."""
    first_wait: timedelta = timedelta(0)
    longest_wait: timedelta = timedelta(0)
    forget_after: timedelta | None = None
    """How long a failure counts. None: only a success resets the count."""

    def wait_after(self, failed: int) -> timedelta:
        if self.free is None or failed < self.free:
            return timedelta(0)
        times = 1 << min(failed - self.free, 20)
        return min(self.first_wait * times, self.longest_wait)


PASSWORD = Policy(
    kind="password",
    free=5,  # a person tries this and that
    first_wait=timedelta(seconds=15),
    longest_wait=timedelta(minutes=15),  # slows, never locks: about 100 guesses a day
    forget_after=timedelta(hours=24),
)
KNOWN_DEVICE = replace(PASSWORD, kind="known_device")  # the same, apart from what strangers do to the account
RUSH = Policy(
    kind="rush",  # a network and an account, while sign-ins fail everywhere (`ratelimits`: all_logins)
    free=1,  # the first is sent to wait unchecked: a botnet has a new address for each guess
    first_wait=timedelta(seconds=10),
    longest_wait=timedelta(seconds=10),
    forget_after=timedelta(minutes=5),
)
SECOND_FACTOR = Policy(kind="second_factor", ceiling=100)  # NIST SP 800-63B section 3.2.2
RECOVERY_CODE = Policy(kind="second_factor")  # counted together, but 79 bits are beyond guessing: the way out of a lock
EMAIL_CODE = Policy(kind="email_code", ceiling=5, forget_after=timedelta(hours=1))  # one letter's code in a million
SIGN_IN_CODE = replace(PASSWORD, kind="sign_in_code")  # all codes for one address; passwords have a count of their own
UNPROVEN = "unknown identifier"
FAILURES_PER_SIGN_IN = 5
"""The number of wrong second factors that end a sign-in; then the password is needed again."""
KINDS_FORGOTTEN = (PASSWORD.kind, KNOWN_DEVICE.kind, RUSH.kind, EMAIL_CODE.kind, SIGN_IN_CODE.kind)


class Exhausted(Refusal):
    """The ceiling is reached. No attempt is checked until the count is reset by other means."""

    code = "exhausted"


def reserve(work: UnitOfWork, policy: Policy, subject: str) -> int:
    """Count a failure in advance; return how many there are now. `settle` takes it back on success.

    Raises TooManyRequests during a wait, Exhausted at the ceiling. Call this before the first ordinary write.
    """
    forget_before = datetime.min.replace(tzinfo=work.now.tzinfo)
    if policy.forget_after is not None:
        forget_before = work.now - policy.forget_after
    with work.aside() as db:
        failed = failures.reserve(
            db, policy.kind, subject, now=work.now, forget_before=forget_before, ceiling=policy.ceiling
        )
        if failed is not None and (wait := policy.wait_after(failed)):
            failures.block(db, policy.kind, subject, until=work.now + wait)
    if failed is not None:
        return failed
    until = failures.find_blocked_until(work.read, policy.kind, subject)
    if until is not None and until > work.now:
        raise TooManyRequests(round((until - work.now).total_seconds()))
    raise Exhausted


def subject_of_unproven(work: UnitOfWork, typed: str) -> str:
    """Return the counter's subject for an address that no user has verified.

    It is the same whether the address is claimed or unknown, so a new claim does not begin a new count. `typed` is the
    normal form of the address, or any text that is not an address.
    """
    return work.vault.keyed_digest(typed, purpose=UNPROVEN).hex()


def find_counter(work: UnitOfWork, policy: Policy, subject: str) -> Counter | None:
    """Return the failures in a row that still count, or None if there are none."""
    counter = failures.find(work.read, policy.kind, subject)
    if counter is None or (policy.forget_after is not None and counter.last_at < work.now - policy.forget_after):
        return None
    return counter


def settle(work: UnitOfWork, policy: Policy, subject: str) -> None:
    """Reset the failures after a success: only consecutive failures count."""
    failures.reset(work.db, policy.kind, subject)


def purge(work: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete idle counters whose policy has `forget_after`; return how many. Other counts last until success."""
    return failures.purge(work.db, kinds=list(KINDS_FORGOTTEN), before=before, limit=limit)
