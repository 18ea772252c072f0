"""Streams of shared signals as operators set them up: for an app that does not do it itself (SSF 1.0 section 8.1.1)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from provider.changes import Changes, differences
from provider.operators.provisioning import require_client
from provider.signals import configuration, event_types, streams
from provider.signals.configuration import InvalidStream
from provider.signals.event_types import BY_NAME
from provider.signals.store import deliveries
from provider.signals.store import streams as store
from provider.signals.store.streams import DefaultSubjects, Method, Stream
from provider.work import UnitOfWork


@dataclass(frozen=True)
class StreamSettings:
    """The settings of a stream that operators decide, besides its Authorization header and its status."""

    method: str = Method.PUSH
    endpoint_url: str | None = None
    events: tuple[str, ...] = ()
    """The names of event types, in the order of `SUPPORTED`."""
    description: str | None = None
    default_subjects: str = DefaultSubjects.ALL

    @classmethod
    def of(cls, stream: Stream) -> Self:
        return cls(
            method=str(stream.method),
            endpoint_url=stream.endpoint_url,
            events=tuple(name_of(each) for each in configuration.delivered(stream)),
            description=stream.description,
            default_subjects=stream.default_subjects,
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"events": list(self.events)}

    def differences(self, wanted: "StreamSettings") -> Changes:
        """Return what `wanted` changes."""
        return differences(vars(self), vars(wanted))


MEMBERS = tuple(field.name for field in fields(StreamSettings))


def name_of(event_type: str) -> str:
    """Return the name of an event type: the last part of its URI."""
    return event_type.rpartition("/")[2]


def parse_settings(given: Mapping[str, Any]) -> StreamSettings:
    """Return the settings. Event types are given by name or URI. Raises InvalidStream."""
    given = {name: given[name] for name in MEMBERS if given.get(name) is not None and given[name] != ""}
    events = given.pop("events", ())
    if not isinstance(events, list | tuple) or not all(isinstance(each, str) for each in events):
        raise InvalidStream("events must be a list of event types.", "events")
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidStream(f"{name} must be a text.", name)
    settings = StreamSettings(**given)
    if len(settings.description or "") > configuration.LONGEST_DESCRIPTION:
        most = configuration.LONGEST_DESCRIPTION
        raise InvalidStream(f"description must have at most {most} characters.", "description")
    if settings.method not in {*Method}:
        raise InvalidStream("method must be push or poll.", "method")
    if settings.default_subjects not in {*DefaultSubjects}:
        raise InvalidStream("default_subjects must be ALL or NONE.", "default_subjects")
    wanted = {name_of(each) if each in event_types.SUPPORTED else each for each in events}
    if unknown := sorted(wanted - BY_NAME.keys()):
        raise InvalidStream(f"Unknown event types: {', '.join(unknown)}. Known: {', '.join(BY_NAME)}.", "events")
    known = tuple(name for name in BY_NAME if name in wanted)
    url = settings.endpoint_url if settings.method == Method.PUSH else None
    return StreamSettings(settings.method, url, known, settings.description, settings.default_subjects)


def put(work: UnitOfWork, client_id: str, settings: StreamSettings, *, header: str | None = None) -> Stream:
    """Create the stream of an app, or change it. Without a `header`, the saved one stays as long as the URL does: an
    operator must not have it sent elsewhere. An empty one deletes it. Raises NoSuchClient or InvalidStream.
    """
    require_client(work, client_id)
    before = store.find_of_client(work.db, client_id)
    is_same = before is not None and before.endpoint_url == settings.endpoint_url
    if header is None and before is not None and is_same:
        header = configuration.open_header(work, before)
    others = [] if before is None else [one for one in before.events_requested if one not in event_types.SUPPORTED]
    given: dict[str, Any] = {
        "delivery": _delivery(settings, header or None),
        "events_requested": [*(BY_NAME[name] for name in settings.events), *others],
        "description": settings.description,
    }
    if before is None:
        return streams.create(work, client_id, given, default_subjects=settings.default_subjects)
    given["stream_id"] = before.id
    return streams.update(work, client_id, given, replaces=True, default_subjects=settings.default_subjects)


def _delivery(settings: StreamSettings, header: str | None) -> dict[str, Any]:
    delivery: dict[str, Any] = {"method": configuration.URNS[Method(settings.method)]}
    if settings.method == Method.PUSH:
        delivery |= {"endpoint_url": settings.endpoint_url, "authorization_header": header}
    return delivery


def describe_deliveries(work: UnitOfWork, stream: Stream) -> list[dict[str, Any]]:
    """Return the last deliveries of a stream, the newest first."""
    return [
        {
            "at": one.at,
            "event": None if one.event_type is None else name_of(one.event_type),
            "outcome": str(one.outcome),
            "error": one.error,
            "jti": one.signal_id,
        }
        for one in deliveries.find_last(work.read, stream.id)
    ]
