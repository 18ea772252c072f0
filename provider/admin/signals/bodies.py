"""The bodies of streams of shared signals in the admin API."""

from datetime import datetime

from pydantic import Field

from provider.api.bodies import Body


class SignalStream(Body):
    """The stream of shared signals of a client."""

    client_id: str = Field(description="The client's `client_id`.")
    stream_id: str = Field(description="The ID of the stream, as the receiver knows it.")
    method: str = Field(description="`push` or `poll`.")
    endpoint_url: str | None = Field(None, description="Where signals are pushed. Absent for `poll`.")
    events: list[str] = Field(description="The URIs of the event types that the receiver gets.")
    description: str | None = Field(None, description="A description by the receiver.")
    status: str = Field(
        description="`enabled`; `paused`: signals are kept and not delivered; or `disabled`: they are not kept."
    )
    reason: str | None = Field(None, description="Why the status was changed.")
    created_at: datetime = Field(description="When the receiver created the stream.")
    updated_at: datetime = Field(description="When it was changed last.")


class SignalStreams(Body):
    """The stream of each client that has one."""

    streams: list[SignalStream] = Field(description="In order of their `client_id`.")


class SignalStreamState(Body):
    """What waits for the stream of shared signals of a client."""

    client_id: str = Field(description="The client's `client_id`.")
    waiting: int = Field(description="How many signals the receiver has not taken yet.")
    oldest_at: datetime | None = Field(None, description="Since when the oldest of them waits.")
    dropped: int = Field(description="How many signals the receiver rejected, or were dropped as too old or too many.")
    error: str | None = Field(None, description="What the last attempt failed with.")
    retry_at: datetime | None = Field(None, description="When the receiver is asked again, after a failure.")
    delivered_at: datetime | None = Field(None, description="When the receiver took a signal last.")


class SignalStreamStates(Body):
    """What waits for each stream of shared signals."""

    states: list[SignalStreamState] = Field(description="In order of their `client_id`.")


class StreamChange(Body):
    """The reason for a new status."""

    reason: str | None = Field(None, max_length=200, description="A reason. The receiver gets it.")
