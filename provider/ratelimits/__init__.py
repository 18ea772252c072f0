"""Rate limits per network: LIMITS by name, counted outside the transaction.

These limits slow down unknown callers, and their counts may be lost (`counter`). Failures per account may
not: they are in SQL (`accounts.throttle`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Network

from provider.observability.metrics import FAILED_ATTEMPTS, RATE_LIMITED
from provider.refusals import TooManyRequests
from provider.work import UnitOfWork


@dataclass(frozen=True)
class Limits:
    """The rate limits, one per line with the reason. Each is per network address unless stated.

    docs/reference/throttling.md documents them.
    """

    login: str = "60/5minutes"  # failed sign-ins: a person mistypes; an office shares one address
    all_logins: str = "300/minute"  # failed sign-ins of everybody together; then strangers wait (`throttle.RUSH`)
    sign_up: str = "20/hour"  # accounts are cheap to make and mail is not
    mail: str = "30/hour"  # emails requested from one network
    mail_per_address: str = "5/hour"  # emails to one address, from any network
    mail_resend: str = "1/30seconds"  # a second press of the button
    test_email: str = "20/hour"  # test emails by one operator, to their own mailbox
    code: str = "30/5minutes"  # wrong codes typed from one place
    device: str = (
        "60/5minutes"  # device codes asked for from one place: each is a row, and a public client's id is known
    )
    user_code: str = "30/5minutes"  # wrong codes of devices typed from one place, by whoever is signed in
    backchannel: str = "60/hour"  # backchannel authentication requests of one app for one person
    backchannel_mail: str = "10/hour"  # emails about them: further requests wait on the account page
    backchannel_mail_of_user: str = "20/hour"  # the same about requests of all apps for one person
    backchannel_denied: str = "3/hour"  # denied by one person: then the app may not ask for a while
    unknown_hint: str = "60/hour"  # hints of one app that name nobody: each reveals that there is no such account
    upstream: str = "60/5minutes"  # failed sign-ins by an upstream: each costs it and us a request
    global_revocation: str = "1000/5minutes"  # users whose access one client ends: an incident has many, a mistake all
    login_unsolved: str = "10/5minutes"  # failed sign-ins without proof of work, where it is on: the first need none
    unsolved: str = "5/hour"  # other forms without proof of work, where it is on: browsers without scripts
    picture: str = "30/hour"  # uploaded by one person: each is decoded and drawn anew
    password_strength: str = "120/minute"  # noqa: S105  # looked at while somebody types: each takes up to 40 ms
    guess: str = "60/5minutes"  # codes, tokens and links that were never issued, from one place; only these are refused
    guess_by_client: str = "300/5minutes"  # the same by a client that authenticated: its server sends those of many
    client_secret: str = "50/5minutes"  # noqa: S105  # wrong secrets for one client from one place
    registration: str = (
        "1000/hour"  # clients that register from one place: a row each, and a request if they name a URL
    )
    client_document: str = (
        "120/hour"  # apps with a metadata document that were never met, from one place: each is a request and a row
    )
    explanation: str = "120/minute"  # rows kept about refused requests from one place


LIMITS = Limits()


NETWORK_OF_A_SITE = 48
"""The prefix length of the IPv6 networks that also have a limit, as one customer gets them (RFC 6177)."""
TIMES_AT_A_SITE = 10
"""How many times a limit is allowed in the network of a site."""


@dataclass(frozen=True)
class Window:
    """A moving window: its key, and how many times the limit it allows."""

    key: str
    times: int = 1


Key = str | tuple[Window, ...]
"""What is counted: a text, or all of several windows."""


def of_network(work: UnitOfWork, name: str) -> tuple[Window, ...]:
    """Return the key of the network that a request came from, for the limit `name`.

    An IPv4 address counts by itself. An IPv6 address counts with its network (SIGNET_IPV6_PREFIX), in which one
    customer chooses addresses freely, and with that of its site, where the limit is higher.
    """
    network, length = work.origin.network, work.settings.ipv6_prefix
    window = Window(f"{name}:{prefix_of(network, length)}")
    if length <= NETWORK_OF_A_SITE or ":" not in network:
        return (window,)
    return window, Window(f"{name}:{prefix_of(network, NETWORK_OF_A_SITE)}", TIMES_AT_A_SITE)


def prefix_of(network: str, length: int) -> str:
    """Return the IPv6 network of this prefix length around an address; any other text is returned as it is."""
    try:
        return str(IPv6Network((network, length), strict=False))
    except ValueError:
        return network


def hit(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one. Raises TooManyRequests if the window is full."""
    _refuse(_hit(work, limit, key), key)


def fail(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one failure. Raises TooManyRequests if there were too many.

    For secrets too long to be guessed. The right one is never refused, because it is checked first.
    """
    refused = _hit(work, limit, key)
    FAILED_ATTEMPTS.count(_kind_of(key))
    _refuse(refused, key)


def require_room(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Raise TooManyRequests if the window is full, without counting.

    Called before something of which only failures count.
    """
    _refuse(_look(work, limit, key), key)


def has_room(work: UnitOfWork, limit: str, *, key: Key) -> bool:
    """Count one; return whether there was room. For responses that must look the same either way."""
    room = _hit(work, limit, key) is None
    if not room:
        RATE_LIMITED.count(_kind_of(key))
    return room


def is_full(work: UnitOfWork, limit: str, *, key: Key) -> bool:
    """Return whether the window is full, without counting."""
    return _look(work, limit, key) is not None


def count(work: UnitOfWork, limit: str, *, key: Key) -> None:
    """Count one failure. If that fills the window, `require_room` rejects the next attempt."""
    FAILED_ATTEMPTS.count(_kind_of(key))
    _hit(work, limit, key)


def _hit(work: UnitOfWork, limit: str, key: Key) -> int | None:
    return _first(work.counter.hit, limit, key)


def _look(work: UnitOfWork, limit: str, key: Key) -> int | None:
    return _first(work.counter.look, limit, key)


def _first(ask: Callable[[str, str], int | None], limit: str, key: Key) -> int | None:
    """Ask about each window, until one is full. So a network that is over its limit does not use up its site's."""
    amount, _, period = limit.partition("/")
    for window in (Window(key),) if isinstance(key, str) else key:
        wait = ask(f"{int(amount) * window.times}/{period}", window.key)
        if wait is not None:
            return wait
    return None


def _kind_of(key: Key) -> str:
    """Return the label value of a key in metrics: its name, without the network or account."""
    text = key if isinstance(key, str) else key[0].key
    return text.partition(":")[0].replace("-", "_")


def _refuse(wait: int | None, key: Key) -> None:
    if wait is not None:
        RATE_LIMITED.count(_kind_of(key))
        raise TooManyRequests(wait)
