"""The counters of a password attempt: its account, its network and all sign-ins together, or its known device alone.

Every tier slows attempts down and none locks an account. The numbers are in `accounts.throttle` and `ratelimits`, and
in docs/reference/throttling.md.
"""

from dataclasses import dataclass

from provider.accounts import throttle
from provider.accounts.store import failures
from provider.accounts.store.known_devices import KnownDevice
from provider.accounts.throttle import Policy
from provider.ratelimits import LIMITS, Key, count, is_full, of_network, require_room
from provider.refusals import TooManyRequests
from provider.work import UnitOfWork

ALL_USERS = "all-logins"
PAIR = "network and account"


@dataclass(frozen=True)
class Attempt:
    """A failure that is counted in advance.

    `succeed` takes it back from the counters it was counted on, and from no others.
    """

    network: Key
    unsolved: Key | None
    """What a failure without proof of work counts on. None if there is one, or none is needed."""
    counters: tuple[tuple[Policy, str], ...]

    def fail(self, work: UnitOfWork) -> None:
        count(work, LIMITS.login, key=self.network)
        count(work, LIMITS.all_logins, key=ALL_USERS)
        if self.unsolved is not None:
            count(work, LIMITS.login_unsolved, key=self.unsolved)

    def succeed(self, work: UnitOfWork) -> None:
        for policy, subject in self.counters:
            throttle.settle(work, policy, subject)

    def undo(self, work: UnitOfWork) -> None:
        """Take back the failure that was counted, because nothing checked the password. Earlier ones stay."""
        with work.aside() as db:
            for policy, subject in self.counters:
                failures.release(db, policy.kind, subject)

    def succeed_aside(self, work: UnitOfWork) -> None:
        """Take the failure back in a transaction of its own.

        Use it before slow work, and where something else may still be rejected afterwards.
        """
        with work.aside() as db:
            for policy, subject in self.counters:
                failures.reset(db, policy.kind, subject)


def unsolved_of(work: UnitOfWork) -> Key:
    """Return the key of failed sign-ins without proof of work from this network."""
    return of_network(work, "login-unsolved")


def begin_attempt(
    work: UnitOfWork, subject: str, device: KnownDevice | None, *, signed_in: bool = False, is_solved: bool = True
) -> Attempt:
    """Count a password attempt as failed in advance; return it. Raises TooManyRequests.

    `subject` is the account, or a stand-in for an address without an account: both wait alike. While all sign-ins
    together are over their limit, attempts from unknown devices are slowed further, unless the user is `signed_in`
    already. Attempts from unknown devices without proof of work (`is_solved`) have a stricter limit for their network.
    """
    network = of_network(work, "login")
    if device is not None:
        throttle.reserve(work, throttle.KNOWN_DEVICE, device.id)
        return Attempt(network, None, ((throttle.KNOWN_DEVICE, device.id),))
    require_room(work, LIMITS.login, key=network)
    unsolved = None if is_solved else unsolved_of(work)
    if unsolved is not None:
        require_room(work, LIMITS.login_unsolved, key=unsolved)
    counters = [(throttle.PASSWORD, subject)]
    if not signed_in and is_full(work, LIMITS.all_logins, key=ALL_USERS):
        pair = work.vault.keyed_digest(f"{network[0].key} {subject}", purpose=PAIR).hex()
        # Before the account's counter: who is sent to wait here was not checked, and must not slow the owner.
        if throttle.reserve(work, throttle.RUSH, pair) == 1:
            raise TooManyRequests(round(throttle.RUSH.first_wait.total_seconds()))
        counters.append((throttle.RUSH, pair))
    throttle.reserve(work, throttle.PASSWORD, subject)
    return Attempt(network, unsolved, tuple(counters))
