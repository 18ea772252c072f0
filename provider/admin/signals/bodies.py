"""The bodies of streams of shared signals in the admin API."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body
from provider.signals.configuration import LONGEST_DESCRIPTION, LONGEST_HEADER, MOST_EVENTS

_METHOD = "`push` (RFC 8935) or `poll` (RFC 8936)."
_ENDPOINT_URL = "Where signals are pushed: an https URL. Absent for `poll`."
_DEFAULT_SUBJECTS = (
    "Which users the stream is about before the receiver adds or removes any: `ALL` that the client knows, or `NONE`."
)


class SignalStream(Body):
    """The stream of shared signals of a client."""

    client_id: str = Field(description="The client's `client_id`.")
    stream_id: str = Field(description="The ID of the stream, as the receiver knows it.")
    method: str = Field(description=_METHOD)
    endpoint_url: str | None = Field(None, description=_ENDPOINT_URL)
    events: list[str] = Field(description="The URIs of the event types that the receiver gets.")
    description: str | None = Field(None, description="A description by the receiver or an operator.")
    default_subjects: str = Field(description=_DEFAULT_SUBJECTS)
    status: str = Field(
        description="`enabled`; `paused`: signals are kept and not delivered; or `disabled`: they are not kept."
    )
    reason: str | None = Field(None, description="Why the status was changed.")
    created_at: datetime = Field(description="When the stream was created.")
    updated_at: datetime = Field(description="When it was changed last.")


class SignalStreams(Body):
    """The stream of each client that has one."""

    streams: list[SignalStream] = Field(description="In order of their `client_id`.")


class SignalStreamState(Body):
    """The state of a client's stream of shared signals."""

    client_id: str = Field(description="The client's `client_id`.")
    added: int = Field(description="How many users the receiver added one by one.")
    removed: int = Field(description="How many users the receiver removed one by one.")
    waiting: int = Field(description="How many signals the receiver has not taken yet.")
    oldest_at: datetime | None = Field(None, description="Since when the oldest of them waits.")
    dropped: int = Field(description="How many signals the receiver rejected, or were dropped as too old or too many.")
    error: str | None = Field(None, description="What the last attempt failed with.")
    retry_at: datetime | None = Field(None, description="When the receiver is asked again, after a failure.")
    delivered_at: datetime | None = Field(None, description="When the receiver took a signal last.")


class SignalStreamStates(Body):
    """The state of each stream of shared signals."""

    states: list[SignalStreamState] = Field(description="In order of their `client_id`.")


class NewSignalStream(Body):
    """The settings of a stream of shared signals."""

    method: str = Field("push", description=_METHOD)
    endpoint_url: str | None = Field(None, max_length=2000, description=_ENDPOINT_URL)
    authorization_header: str | None = Field(
        None,
        max_length=LONGEST_HEADER + 1,
        description="The value of the Authorization header of pushes. Left out, the saved one stays as long as the URL "
        "does. Empty: none. Never returned.",
    )
    events: tuple[str, ...] = Field(
        (), max_length=MOST_EVENTS, description="The event types that the receiver gets, by name or URI."
    )
    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION, description="A description.")
    default_subjects: str = Field("ALL", description=_DEFAULT_SUBJECTS)


class SignalDelivery(Body):
    """A delivery of a signal, and its outcome."""

    at: datetime = Field(description="When it was pushed, or acknowledged.")
    event: str | None = Field(None, description="The name of its event type.")
    outcome: str = Field(
        description="`delivered`; `rejected`: the receiver will never take it; or `failed`: it is tried again."
    )
    error: str | None = Field(None, description="What went wrong.")
    jti: str = Field(description="The ID of its token.")


class SignalDeliveries(Body):
    """The last deliveries of a stream of shared signals."""

    deliveries: list[SignalDelivery] = Field(description="The newest first, at most 50.")


class StreamChange(Body):
    """The reason for a new status."""

    reason: str | None = Field(None, max_length=200, description="A reason. The receiver gets it.")
