"""Queue signals in the transaction of the change they are about, for the receivers that know the user.

Everything that matters to receivers records an audit event. So this looks at the events of a transaction before it
commits, like webhooks. What an audit event can't say is noted where it happens: a deleted user is unknown to all when
the transaction commits, and no audit event has an address.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provider.database.base import new_id, new_ordered_id
from provider.outbox import messages
from provider.outbox.topics import Topic
from provider.signals import event_types
from provider.signals.notices import WATCHED, Notice, notice_of
from provider.signals.store import known, queue, subjects
from provider.signals.store import streams as store
from provider.signals.store.queue import Signal
from provider.signals.store.streams import DefaultSubjects, Status, Stream
from provider.work import UnitOfWork

PURPOSE = "signal"


def publish(work: UnitOfWork, events: Sequence[Mapping[str, object]]) -> None:
    """Queue what the events of a transaction mean to receivers. `Installation.publish` calls it before each commit."""
    watched = [event for event in events if event["name"] in WATCHED]
    if not watched:
        return
    _queue(work, [notice for event in watched if (notice := notice_of(event)) is not None])


def user_purged(work: UnitOfWork, user_id: str) -> None:
    """Queue what a user's deletion means, and what else happened to the user in this transaction: the sessions ended.

    It is called before the user is removed. When the transaction commits, no receiver is known.
    """
    before = [event for event in work.events if event["name"] in WATCHED and event["user_id"] == user_id]
    notices = [notice for event in before if (notice := notice_of(event)) is not None]
    _queue(work, [*notices, Notice(event_types.ACCOUNT_PURGED, user_id, work.now, txn=new_id())])


def address_changed(work: UnitOfWork, user_id: str, *, before: str, after: str) -> None:
    """Queue the change of a user's address, for receivers that may know it (RISC 1.0 section 2.5)."""
    changed = Notice(event_types.IDENTIFIER_CHANGED, user_id, work.now, {"new-value": after}, email=before)
    _queue(work, [replace(changed, txn=new_id())])


def add_to_stream(work: UnitOfWork, stream: Stream, notice: Mapping[str, Any], *, is_notice: bool = False) -> None:
    """Queue one signal for one stream, and the job that pushes it. `is_notice`: it is about the stream itself."""
    signal_id = _signal_id(work)
    sealed = work.vault.encrypt(json.dumps(dict(notice)).encode(), purpose=PURPOSE, context=signal_id)
    queue.add(work.db, [Signal(signal_id, stream.id, sealed, is_notice, work.now, event_type=notice["type"])])
    if stream.may_push(work.now) and (is_notice or stream.status == Status.ENABLED):
        enqueue(work, stream)


def enqueue(work: UnitOfWork, stream: Stream) -> None:
    """Queue the job that pushes what waits for a stream."""
    messages.enqueue(work, Topic.SIGNALS, {"stream_id": stream.id}, about=about(stream))


def about(stream: Stream) -> str:
    return f"signals to {stream.client_id}"


def _signal_id(work: UnitOfWork) -> str:
    """Return a new id. Signals are sent in the order of their ids, so it is of this moment, by the clock of the
    installation, and not of the beginning of the transaction, which may have waited for another one.
    """
    return new_ordered_id(work.installation.clock())


def _queue(work: UnitOfWork, notices: Iterable[Notice]) -> None:
    streams = {stream.client_id: stream for stream in store.find_keeping(work.db)}
    to_push: dict[str, Stream] = {}
    for notice in notices if streams else ():
        wanting = _wanting(work, notice, streams.values())
        rows = []
        for client_id, one in _receivers(work, notice, wanting):
            signal_id, stream = _signal_id(work), streams[client_id]
            sealed = work.vault.encrypt(json.dumps(one.as_json()).encode(), purpose=PURPOSE, context=signal_id)
            rows.append(
                Signal(signal_id, stream.id, sealed, is_notice=False, created_at=work.now, event_type=one.event_type)
            )
            if stream.status == Status.ENABLED and stream.may_push(work.now):
                to_push[stream.id] = stream
        queue.add(work.db, rows)
    for stream in to_push.values():
        enqueue(work, stream)


def _wanting(work: UnitOfWork, notice: Notice, streams: Iterable[Stream]) -> set[str]:
    """Return the clients whose streams have this event type and this user (SSF 1.0 section 8.1.3)."""
    wanting = [stream for stream in streams if notice.event_type in stream.events_requested]
    added = subjects.of_user(work.db, notice.user_id) if wanting else {}
    return {one.client_id for one in wanting if added.get(one.id, one.default_subjects == DefaultSubjects.ALL)}


def _receivers(work: UnitOfWork, notice: Notice, among: set[str]) -> list[tuple[str, Notice]]:
    """Return the clients that hear of a notice, each with what it hears."""
    if not among:
        return []
    if notice.ends_sessions and known.has_session(work.db, notice.user_id, now=work.now):
        ended = known.ended_sessions(work.db, notice.user_id, at=work.now)  # others go on: name those that ended
        found = known.clients_of_sessions(work.db, ended, among)
        return [(client_id, replace(notice, session_id=session_id)) for client_id, session_id in found]
    if notice.session_id is not None:
        return [(each, notice) for each, _ in known.clients_of_sessions(work.db, [notice.session_id], among)]
    clients = known.clients_of_user(work.db, notice.user_id, among)
    if notice.email is not None:
        clients = {each for each in clients if "email" in known.scope_of_user(work.db, notice.user_id, each).split()}
    return [(each, notice) for each in sorted(clients)]
