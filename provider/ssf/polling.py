"""Polling (RFC 8936): the receiver acknowledges what it has, reports what it can't take, and gets what is next.

What is not acknowledged is returned again. Unless it asks for an immediate response, a poll for which nothing waits is
answered later (`ssf.waiting`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from provider.database.base import is_id
from provider.oauth.tokens.server import AuthorizationServer
from provider.observability.logging import log
from provider.observability.metrics import SIGNALS
from provider.signals.configuration import InvalidStream
from provider.signals.store import deliveries, queue
from provider.signals.store import streams as store
from provider.signals.store.deliveries import Outcome
from provider.signals.store.streams import Method, Status, Stream
from provider.ssf.sets import make_set
from provider.work import UnitOfWork

MOST_RETURNED = 100
MOST_NAMED = 1000
"""How many tokens one poll returns, and how many it may acknowledge or report."""


@dataclass(frozen=True)
class Poll:
    """The request of a receiver that polls (section 2.4)."""

    most: int
    acknowledged: tuple[str, ...]
    errors: Mapping[str, str]
    returns_immediately: bool

    @property
    def may_wait(self) -> bool:
        """Whether the receiver waits for the next signal. One that asks for none does not."""
        return not self.returns_immediately and self.most > 0


def parse(given: Mapping[str, Any]) -> Poll:
    """Return a poll. Raises InvalidStream."""
    most, ack, errors = given.get("maxEvents"), given.get("ack", []), given.get("setErrs", {})
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
        raise InvalidStream("maxEvents must be a number that is not negative.")
    if not isinstance(ack, list) or not all(isinstance(each, str) for each in ack) or len(ack) > MOST_NAMED:
        raise InvalidStream(f"ack must be a list of at most {MOST_NAMED} jti.")
    if not isinstance(errors, Mapping) or not all(isinstance(each, Mapping) for each in errors.values()):
        raise InvalidStream("setErrs must be an object with an object for each jti.")
    if len(errors) > MOST_NAMED:
        raise InvalidStream(f"setErrs can have at most {MOST_NAMED} jti.")
    immediately = given.get("returnImmediately", False)
    if not isinstance(immediately, bool):
        raise InvalidStream("returnImmediately must be true or false.")
    named = {jti: str(each.get("err") or "")[:60] for jti, each in errors.items()}
    return Poll(MOST_RETURNED if most is None else min(most, MOST_RETURNED), tuple(ack), named, immediately)


def poll(work: UnitOfWork, server: AuthorizationServer, stream: Stream, asked: Poll) -> dict[str, Any]:
    """Carry out a poll. Returns the response (section 2.5). Raises InvalidStream for a stream that is pushed."""
    if stream.method != Method.POLL:
        raise InvalidStream("This stream is pushed. Change its delivery method to poll it.")
    client = server.clients.find(work, stream.client_id)
    if client is None or client.disabled:
        return {"sets": {}, "moreAvailable": False}
    is_enabled = stream.status == Status.ENABLED
    waiting = queue.find_next(work.read, stream.id, only_notices=not is_enabled, limit=MOST_NAMED + asked.most + 1)
    settled = {*asked.acknowledged, *asked.errors}
    left = [signal for signal in waiting if signal.id not in settled]
    sets: dict[str, str] = {}
    told_nothing, looked_at = [], 0
    for signal in left:
        if len(sets) >= asked.most:
            break
        looked_at += 1
        token = make_set(work, server, client, signal)
        if token is None:
            told_nothing.append(signal.id)
        else:
            sets[signal.id] = token
    _settle(work, stream, asked, told_nothing)
    return {"sets": sets, "moreAvailable": looked_at < len(left)}


def poll_again(work: UnitOfWork, server: AuthorizationServer, stream_id: str, *, most: int) -> dict[str, Any] | None:
    """Return what waits now, for a poll that waited, or None if that is still nothing. If the stream was deleted or
    changed meanwhile, the response says that nothing waits.
    """
    stream = store.find(work.read, stream_id)
    if stream is None or stream.method != Method.POLL:
        return {"sets": {}, "moreAvailable": False}
    found = poll(work, server, stream, Poll(most, (), {}, returns_immediately=True))
    return found if found["sets"] else None


def _settle(work: UnitOfWork, stream: Stream, asked: Poll, told_nothing: list[str]) -> None:
    """Delete what the receiver acknowledged, what it reported, and what is nothing to it."""
    taken = queue.remove(work.db, stream.id, _ids(asked.acknowledged))
    rejected = queue.remove(work.db, stream.id, _ids(asked.errors))
    if told_nothing:
        queue.remove(work.db, stream.id, told_nothing)
    if taken:
        deliveries.add(work.db, stream.id, taken, Outcome.DELIVERED, now=work.now)
        store.change(work.db, stream.id, delivered_at=work.now, error=None)
        work.after_commit.extend([partial(SIGNALS.count, "poll", "delivered")] * len(taken))
    if rejected:
        errors = sorted({error for error in asked.errors.values() if error.isidentifier()})
        why = ", ".join(errors)
        deliveries.add(work.db, stream.id, rejected, Outcome.REJECTED, now=work.now, error=why or None)
        store.add_dropped(work.db, stream.id, len(rejected))
        store.change(work.db, stream.id, error=f"it rejected a signal: {why}"[: store.LONGEST_ERROR])
        work.after_commit.extend([partial(SIGNALS.count, "poll", "rejected")] * len(rejected))
        log.warning("signals.rejected", client_id=stream.client_id, count=len(rejected), errors=errors)


def _ids(given: Iterable[str]) -> list[str]:
    """Return those that can be ids of signals."""
    return [each for each in given if is_id(each)]
