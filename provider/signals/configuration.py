"""The configuration of a stream as a receiver sends it (SSF 1.0 section 8.1.1): parsed, checked, and shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from provider.outbound.addresses import has_user, may_be_asked, networks
from provider.refusals import Refusal
from provider.signals.event_types import SUPPORTED
from provider.signals.store.streams import Method, Stream
from provider.work import UnitOfWork

PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
"""The delivery methods (SSF 1.0 section 6.1)."""
METHODS = {PUSH: Method.PUSH, POLL: Method.POLL}
URNS = {Method.PUSH: PUSH, Method.POLL: POLL}
SECONDS_BETWEEN_VERIFICATIONS = 5
MOST_EVENTS = 100
LONGEST_EVENT, LONGEST_DESCRIPTION, LONGEST_HEADER = 500, 200, 2000
PURPOSE = "signal-stream-authorization"
ENDPOINT, HEADER = "endpoint_url", "authorization_header"


class InvalidStream(Refusal):
    """A request of a receiver that is no configuration, or no change that it may make. The message names the member."""

    code = "invalid-stream"

    def __init__(self, message: str, name: str = "") -> None:
        self.name = name
        """The form field with the problem, if the console has one for it."""
        super().__init__(message)


@dataclass(frozen=True)
class Configuration:
    """The part of a configuration that a receiver supplies."""

    method: Method = Method.POLL
    endpoint_url: str | None = None
    authorization_header: str | None = None
    events_requested: tuple[str, ...] = ()
    description: str | None = None


def parse(work: UnitOfWork, given: Mapping[str, Any], start: Configuration) -> Configuration:
    """Return the configuration with the members that were sent. A member that is null is deleted. Raises
    InvalidStream.
    """
    parsed = start
    if "delivery" in given:
        parsed = _with_delivery(work, parsed, given["delivery"])
    if "events_requested" in given:
        parsed = replace(parsed, events_requested=_events(given["events_requested"]))
    if "description" in given:
        description = given["description"]
        if description is not None and not (isinstance(description, str) and description.isprintable()):
            raise InvalidStream("description must be a text.", "description")
        parsed = replace(parsed, description=description and description[:LONGEST_DESCRIPTION])
    return parsed


def of_stream(work: UnitOfWork, stream: Stream) -> Configuration:
    """Return what the receiver supplied for a stream."""
    return Configuration(
        method=Method(stream.method),
        endpoint_url=stream.endpoint_url,
        authorization_header=open_header(work, stream),
        events_requested=tuple(stream.events_requested),
        description=stream.description,
    )


def columns_of(work: UnitOfWork, stream_id: str, configuration: Configuration) -> dict[str, Any]:
    """Return the columns of a stream with this configuration."""
    header = configuration.authorization_header
    sealed = None if header is None else work.vault.encrypt(header.encode(), purpose=PURPOSE, context=stream_id)
    return {
        "method": configuration.method,
        "endpoint_url": configuration.endpoint_url,
        "sealed": sealed,
        "events_requested": list(configuration.events_requested),
        "description": configuration.description,
    }


def open_header(work: UnitOfWork, stream: Stream) -> str | None:
    """Return the Authorization header that pushes to the receiver have. Raises VaultError."""
    if stream.sealed is None:
        return None
    return work.vault.decrypt(stream.sealed, purpose=PURPOSE, context=stream.id).decode()


def as_json(work: UnitOfWork, stream: Stream, *, with_header: bool) -> dict[str, Any]:
    """Return the configuration as the receiver reads it. `with_header`: with its own Authorization header."""
    issuer = work.settings.issuer
    delivery: dict[str, Any] = {"method": URNS[Method(stream.method)]}
    delivery["endpoint_url"] = stream.endpoint_url or f"{issuer}/ssf/poll/{stream.id}"
    if with_header and stream.sealed is not None:
        delivery["authorization_header"] = open_header(work, stream)
    shown = {
        "stream_id": stream.id,
        "iss": issuer,
        "aud": stream.client_id,
        "delivery": delivery,
        "events_supported": list(SUPPORTED),
        "events_requested": stream.events_requested,
        "events_delivered": delivered(stream),
        "min_verification_interval": SECONDS_BETWEEN_VERIFICATIONS,
    }
    return shown if stream.description is None else {**shown, "description": stream.description}


def delivered(stream: Stream) -> list[str]:
    """Return the event types that the receiver gets: those that it asked for and that there are."""
    return [each for each in SUPPORTED if each in stream.events_requested]


def require_same(work: UnitOfWork, given: Mapping[str, Any], stream: Stream) -> None:
    """Check that what only we decide is sent as it is, or not at all (sections 8.1.1.3, 8.1.1.4). Raises
    InvalidStream.
    """
    own = as_json(work, stream, with_header=False)
    for member in ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        if member in given and _comparable(given[member]) != _comparable(own[member]):
            raise InvalidStream(f"{member} can't be changed. Leave it out, or send it as it is.")


def _comparable(value: Any) -> Any:
    """Return a value to compare: lists without their order, and one member like a list of it (an `aud`)."""
    if isinstance(value, list):
        return sorted(map(str, value))
    return [value] if isinstance(value, str) else value


def _with_delivery(work: UnitOfWork, before: Configuration, given: Any) -> Configuration:
    if given is None:
        return replace(before, method=Method.POLL, endpoint_url=None, authorization_header=None)
    if not isinstance(given, Mapping) or given.get("method") not in METHODS:
        raise InvalidStream(f"delivery must be an object whose method is {PUSH} or {POLL}.")
    if METHODS[given["method"]] is Method.POLL:
        return replace(before, method=Method.POLL, endpoint_url=None, authorization_header=None)
    url, header = given.get("endpoint_url"), given.get("authorization_header")
    if isinstance(url, str) and has_user(url):
        raise InvalidStream(
            "delivery.endpoint_url can't contain a user or a password. Use authorization_header.", ENDPOINT
        )
    if not isinstance(url, str) or not may_be_asked(url, allowed=networks(work.settings.outbound_allow)):
        raise InvalidStream("delivery.endpoint_url must be an https URL at an address that may be reached.", ENDPOINT)
    if header is not None and not (
        isinstance(header, str) and re.fullmatch(f"[!-~][ -~]{{0,{LONGEST_HEADER}}}", header)
    ):
        raise InvalidStream("delivery.authorization_header must be the value of an Authorization header.", HEADER)
    return replace(before, method=Method.PUSH, endpoint_url=url, authorization_header=header)


def _events(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_EVENTS:
        raise InvalidStream(f"events_requested must be a list of at most {MOST_EVENTS} URIs of event types.")
    if not all(isinstance(each, str) and re.fullmatch(f"[!-~]{{1,{LONGEST_EVENT}}}", each) for each in given):
        raise InvalidStream("events_requested must have URIs only.")
    return tuple(dict.fromkeys(given))
