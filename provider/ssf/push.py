"""Pushing what waits for a stream (RFC 8935): the handler of the outbox's topic `signals`.

One job at a time pushes for a stream, the oldest signal first, and the next one only after the receiver took it. So
signals arrive in order. While the receiver is away they wait, for KEPT and up to MOST.
"""

import re
import time
from datetime import timedelta
from functools import partial
from typing import Any

from provider.jose.json_objects import read_object
from provider.oauth.clients.clients import find_client
from provider.oauth.tokens.server import server_of_worker
from provider.observability.logging import log
from provider.observability.metrics import SIGNALS
from provider.outbound.answers import Answer, OutboundFailed
from provider.outbox import store as outbox
from provider.outbox.relay import RetryPolicy
from provider.outbox.topics import Topic
from provider.signals import publish
from provider.signals.configuration import open_header
from provider.signals.store import deliveries, queue
from provider.signals.store import streams as store
from provider.signals.store.deliveries import Outcome
from provider.signals.store.queue import Signal
from provider.signals.store.streams import LONGEST_ERROR, Status, Stream
from provider.ssf.sets import MEDIA_TYPE, make_set
from provider.work import Installation, UnitOfWork, unit_of_work

RETRIES = RetryPolicy(attempts=12, longest_pause=timedelta(hours=2))
KEPT = timedelta(days=7)
MOST = 10_000
"""How long, and how many signals are kept for one stream. Then the oldest are dropped."""
SECONDS = 10.0
"""How long a job continues before it leaves the rest to the next one."""
LEASE = timedelta(seconds=60)
"""How long a job has the stream for itself: longer than SECONDS and one exchange."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
"""The pause after a failure. It doubles with each further one."""
REJECTIONS = frozenset({"invalid_request", "invalid_issuer", "invalid_audience"})
"""The errors of RFC 8935 section 2.4 that say that this token will never be taken. The others may be mended: the
receiver's key set, or what it lets us do.
"""


def deliver(installation: Installation, _job_id: str, payload: dict[str, Any]) -> None:
    """Push what waits for a stream, for SECONDS, and queue the next job if something is left."""
    stream_id, until = payload["stream_id"], time.monotonic() + SECONDS
    with unit_of_work(installation) as work:
        if not store.claim(work.db, stream_id, now=work.now, until=work.now + LEASE):
            return
    is_left = False
    try:
        while _step(installation, stream_id):
            if time.monotonic() >= until:
                is_left = True
                return
    finally:
        with unit_of_work(installation) as work:
            store.change(work.db, stream_id, claimed_until=None)
            stream = store.find(work.db, stream_id)
            if is_left and stream is not None:
                publish.enqueue(work, stream)


def enqueue_due(installation: Installation) -> None:
    """Queue a job for each stream that has something to be pushed and no job, and drop what is too old."""
    with unit_of_work(installation) as work:
        for stream in store.find_those(work.read, queue.find_pushable(work.read, now=work.now)):
            client = find_client(work, stream.client_id)
            if client is None or client.disabled:  # its signals wait until it is enabled
                continue
            if not outbox.has_open(work.read, Topic.SIGNALS, publish.about(stream)):
                publish.enqueue(work, stream)


def drop_old(installation: Installation) -> None:
    """Drop the signals that have waited too long, and the oldest of each stream that has too many."""
    with unit_of_work(installation) as work:
        kept_since = work.now - KEPT
        full = [each for each in store.find_all(work.read) if queue.is_full(work.read, each.id, kept_since, MOST)]
    for stream in full:
        with unit_of_work(installation) as work:
            count = queue.drop_old(work.db, stream.id, before=kept_since, most=MOST)
            store.add_dropped(work.db, stream.id, count)
            work.after_commit.extend([partial(SIGNALS.count, stream.method, "dropped")] * count)
        log.error("signals.dropped", client_id=stream.client_id, count=count)


def _step(installation: Installation, stream_id: str) -> bool:
    """Push one signal. Returns whether something may be left to be pushed now."""
    server = server_of_worker(installation)
    with unit_of_work(installation) as work:
        stream = store.find(work.read, stream_id)
        client = None if stream is None else server.clients.find(work, stream.client_id)
        if stream is None or client is None or client.disabled or not stream.may_push(work.now):
            return False
        only_notices = stream.status != Status.ENABLED
        signal = next(iter(queue.find_next(work.read, stream_id, only_notices=only_notices, limit=1)), None)
        if signal is None:
            return False
        token, header = make_set(work, server, client, signal), open_header(work, stream)
    if token is None:  # nothing that this receiver may know
        with unit_of_work(installation) as work:
            queue.remove(work.db, stream_id, [signal.id])
        return True
    headers = {"Content-Type": MEDIA_TYPE, "Accept": "application/json"}
    headers |= {} if header is None else {"Authorization": header}
    try:
        answer = installation.outbound.deliver_body(stream.endpoint_url or "", token.encode(), headers)
    except OutboundFailed as failed:
        if failed.until is None:
            return _pause(installation, stream, signal, failed.reason)
        with unit_of_work(installation) as work:  # nothing was sent: another stream of this endpoint has just failed
            store.change(work.db, stream.id, retry_at=failed.until)
        return False
    if 200 <= answer.status < 300:  # section 2.2 names 202
        return _taken(installation, stream, signal)
    error = _error_of(answer) if answer.status == 400 else ""
    if error in REJECTIONS:
        return _rejected(installation, stream, signal, error)
    return _pause(installation, stream, signal, f"it answered {answer.status}" + (f": {error}" if error else ""))


def _taken(installation: Installation, stream: Stream, signal: Signal) -> bool:
    with unit_of_work(installation) as work:
        queue.remove(work.db, stream.id, [signal.id])
        store.change(work.db, stream.id, failures=0, retry_at=None, error=None, delivered_at=work.now)
        _note(work, stream, signal, Outcome.DELIVERED)
    SIGNALS.count("push", "delivered")
    return True


def _rejected(installation: Installation, stream: Stream, signal: Signal, error: str) -> bool:
    """Drop a signal that the receiver will never take, so that the others are not held up."""
    with unit_of_work(installation) as work:
        queue.remove(work.db, stream.id, [signal.id])
        store.add_dropped(work.db, stream.id, 1)
        store.change(work.db, stream.id, failures=0, retry_at=None, error=f"it rejected a signal: {error}")
        _note(work, stream, signal, Outcome.REJECTED, error)
    SIGNALS.count("push", "rejected")
    log.warning("signals.rejected", client_id=stream.client_id, signal=signal.id, error=error)
    return True


def _pause(installation: Installation, stream: Stream, signal: Signal, problem: str) -> bool:
    pause = min(FIRST_PAUSE * (1 << min(stream.failures, 16)), LONGEST_PAUSE)
    with unit_of_work(installation) as work:
        values = {"failures": stream.failures + 1, "retry_at": work.now + pause, "error": problem[:LONGEST_ERROR]}
        store.change(work.db, stream.id, **values)
        _note(work, stream, signal, Outcome.FAILED, problem)
    SIGNALS.count("push", "unavailable")
    log.warning("signals.paused", client_id=stream.client_id, error=problem)
    return False


def _note(work: UnitOfWork, stream: Stream, signal: Signal, outcome: Outcome, error: str | None = None) -> None:
    if store.lock(work.db, stream.id) is not None:  # else it was deleted meanwhile
        deliveries.add(work.db, stream.id, [(signal.id, signal.event_type)], outcome, now=work.now, error=error)


def _error_of(answer: Answer) -> str:
    """Return the error code in the response, or an empty string if it does not look like one (section 2.3)."""
    try:
        error = read_object(answer.body)["err"]
    except (ValueError, LookupError):
        return ""
    return error if isinstance(error, str) and re.fullmatch(r"[a-zA-Z0-9_.-]{1,60}", error) else ""
