"""Rules for streams: what a receiver does with its own, and what operators do with any (SSF 1.0 section 8.1).

A client has at most one stream (decision 365). It gets signals about users that it knows: each of them, or
those that it added (`default_subjects`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provider.audit.events import Event
from provider.audit.log import record
from provider.database.base import new_id
from provider.languages.text import Text
from provider.refusals import NotFound, Refusal, TooManyRequests
from provider.signals import configuration, event_types
from provider.signals.configuration import SECONDS_BETWEEN_VERIFICATIONS, Configuration, InvalidStream
from provider.signals.publish import add_to_stream, enqueue
from provider.signals.store import queue, subjects
from provider.signals.store import streams as store
from provider.signals.store.streams import Status, Stream
from provider.work import UnitOfWork

LONGEST_STATE, LONGEST_REASON = 1000, 200


class NoSuchStream(NotFound):
    code = "no-such-stream"
    title = Text("No such stream")
    message = Text("There is no such stream of shared signals.")


class StreamExists(Refusal):
    code = "stream-exists"
    status_code = 409
    message = Text("This application has a stream already. Change it, or delete it first.")


def find(work: UnitOfWork, client_id: str, stream_id: str) -> Stream:
    """Return the stream of a client with this id. Raises NoSuchStream, also for the streams of others."""
    stream = find_of_client(work, client_id)
    if stream.id != stream_id:
        raise NoSuchStream
    return stream


def find_of_client(work: UnitOfWork, client_id: str) -> Stream:
    """Return the stream of a client. Raises NoSuchStream."""
    stream = store.find_of_client(work.read, client_id)
    if stream is None:
        raise NoSuchStream
    return stream


def create(
    work: UnitOfWork, client_id: str, given: Mapping[str, Any], *, default_subjects: str | None = None
) -> Stream:
    """Create the stream of a client (section 8.1.1.1). Only an operator gives `default_subjects`. Raises InvalidStream
    or StreamExists.
    """
    parsed = configuration.parse(work, given, Configuration())
    if store.find_of_client(work.db, client_id) is not None:
        raise StreamExists
    stream_id = new_id()
    columns = configuration.columns_of(work, stream_id, parsed)
    columns |= {"created_at": work.now, "updated_at": work.now}
    columns["default_subjects"] = default_subjects or work.settings.signals_default_subjects
    stream = Stream(id=stream_id, client_id=client_id, status=Status.ENABLED, reason=None, **columns)
    store.add(work.db, stream)
    record(
        work,
        Event.SIGNAL_STREAM_CREATED,
        client_id=client_id,
        stream=stream_id,
        method=str(stream.method),
        endpoint_url=stream.endpoint_url,
        events=configuration.delivered(stream),
        description=stream.description,
        default_subjects=stream.default_subjects,
    )
    return stream


def update(
    work: UnitOfWork,
    client_id: str,
    given: Mapping[str, Any],
    *,
    replaces: bool,
    default_subjects: str | None = None,
) -> Stream:
    """Change the stream of a client (section 8.1.1.3). With `replaces`, what is missing is deleted (section 8.1.1.4).
    Only an operator gives `default_subjects`. Raises NoSuchStream or InvalidStream.
    """
    stream = _lock(work, find(work, client_id, _stream_id(given)))
    configuration.require_same(work, given, stream)
    start = Configuration() if replaces else configuration.of_stream(work, stream)
    values = configuration.columns_of(work, stream.id, configuration.parse(work, given, start))
    values["default_subjects"] = default_subjects or stream.default_subjects
    again = {"failures": 0, "retry_at": None, "error": None}
    store.change(work.db, stream.id, **values, **again, updated_at=work.now)
    changed = find_of_client(work, client_id)
    before, after = _shown(stream), _shown(changed)
    record(work, Event.SIGNAL_STREAM_UPDATED, client_id=client_id, stream=stream.id, before=before, after=after)
    _push_what_waits(work, changed)
    return changed


def delete(work: UnitOfWork, stream: Stream) -> None:
    """Delete a stream with all that waits for it (section 8.1.1.5)."""
    if store.remove(work.db, stream.id):
        record(work, Event.SIGNAL_STREAM_DELETED, client_id=stream.client_id, stream=stream.id)


def set_status(
    work: UnitOfWork, stream: Stream, status: str, *, reason: str | None = None, by_receiver: bool
) -> Stream:
    """Enable, pause or disable a stream (section 8.1.2.2). A disabled one keeps no signals. The receiver hears of it if
    someone else did it (section 8.1.5). Raises InvalidStream.
    """
    if status not in {*Status}:
        raise InvalidStream("status must be enabled, paused or disabled.")
    if reason is not None and not (isinstance(reason, str) and reason.isprintable()):
        raise InvalidStream("reason must be a text.")
    stream, reason = _lock(work, stream), reason and reason[:LONGEST_REASON]
    values: dict[str, Any] = {"status": status, "reason": reason}
    if status != stream.status:
        record(
            work,
            Event.SIGNAL_STREAM_STATUS_CHANGED,
            client_id=stream.client_id,
            stream=stream.id,
            reason=reason,
            before={"status": stream.status},
            after={"status": status},
        )
        values |= {"updated_at": work.now, "failures": 0, "retry_at": None, "error": None}
    store.change(work.db, stream.id, **values)
    changed = _lock(work, stream)
    if status == Status.DISABLED:
        queue.remove_all(work.db, stream.id)
    if status != stream.status and not by_receiver:
        said = {"status": status} | ({"reason": reason} if reason else {})
        add_to_stream(work, changed, {"type": event_types.STREAM_UPDATED, "claims": said}, is_notice=True)
    _push_what_waits(work, changed)
    return changed


def set_subject(work: UnitOfWork, stream: Stream, user_id: str, *, is_added: bool) -> None:
    """Add a user to a stream, or remove one from it (section 8.1.3). What waits already is delivered. It is recorded if
    it changes anything.
    """
    before = subjects.of_user(work.db, user_id).get(stream.id)
    if before is is_added:
        return
    subjects.put(work.db, stream.id, user_id, is_added=is_added, now=work.now)
    if is_added:
        record(work, Event.SIGNAL_SUBJECT_ADDED, user_id=user_id, client_id=stream.client_id, stream=stream.id)
    else:
        record(work, Event.SIGNAL_SUBJECT_REMOVED, user_id=user_id, client_id=stream.client_id, stream=stream.id)


def verify(work: UnitOfWork, stream: Stream, *, state: Any = None, by_receiver: bool = True) -> None:
    """Queue a verification event (section 8.1.4.2), with the state of the receiver, or with none for an operator. A
    disabled stream keeps none. Raises InvalidStream or TooManyRequests.
    """
    if state is not None and not (isinstance(state, str) and len(state) <= LONGEST_STATE):
        raise InvalidStream(f"state must be a text of at most {LONGEST_STATE} characters.")
    stream = _lock(work, stream)
    if stream.verified_at is not None:
        wait = stream.verified_at + timedelta(seconds=SECONDS_BETWEEN_VERIFICATIONS) - work.now
        if wait > timedelta(0):
            raise TooManyRequests(int(wait.total_seconds()) + 1)
    store.change(work.db, stream.id, verified_at=work.now)
    if not by_receiver:
        record(work, Event.SIGNAL_STREAM_VERIFIED, client_id=stream.client_id, stream=stream.id)
    if stream.keeps_signals:
        claims = {} if state is None else {"state": state}
        add_to_stream(work, stream, {"type": event_types.VERIFICATION, "claims": claims})


def describe(work: UnitOfWork, stream: Stream) -> dict[str, Any]:
    """Return a stream and its state, for operators. Its Authorization header is not shown."""
    oldest = queue.oldest(work.read, stream.id)
    return {
        "client_id": stream.client_id,
        "stream_id": stream.id,
        **_shown(stream),
        "status": stream.status,
        "reason": stream.reason,
        "added": subjects.count(work.read, stream.id, is_added=True),
        "removed": subjects.count(work.read, stream.id, is_added=False),
        "waiting": queue.count_of(work.read, stream.id),
        "oldest_at": oldest,
        "dropped": stream.dropped,
        "error": stream.error,
        "retry_at": stream.retry_at,
        "delivered_at": stream.delivered_at,
        "created_at": stream.created_at,
        "updated_at": stream.updated_at,
    }


def _shown(stream: Stream) -> dict[str, Any]:
    return {
        "method": str(stream.method),
        "endpoint_url": stream.endpoint_url,
        "events": configuration.delivered(stream),
        "description": stream.description,
        "default_subjects": stream.default_subjects,
    }


def _stream_id(given: Mapping[str, Any]) -> str:
    stream_id = given.get("stream_id")
    if not isinstance(stream_id, str):
        raise InvalidStream("stream_id is missing.")
    return stream_id


def _lock(work: UnitOfWork, stream: Stream) -> Stream:
    locked = store.lock(work.db, stream.id)
    if locked is None:
        raise NoSuchStream
    return locked


def _push_what_waits(work: UnitOfWork, stream: Stream) -> None:
    if stream.status == Status.ENABLED and stream.may_push(work.now) and queue.oldest(work.db, stream.id) is not None:
        enqueue(work, stream)
