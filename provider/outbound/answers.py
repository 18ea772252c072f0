"""The results of a request to another server: an answer, or a failure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Answer:
    """A complete response. `content_type` is in lower case and without parameters, names of headers in lower case."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class OutboundFailed(Exception):
    """A request without a usable response.

    `reason` is for the operator's log and explanation only: it could reveal our network to a caller. `status` is the
    HTTP status if there was a response with the wrong one. `until` is set if no request was sent, because an earlier
    one had failed: none is sent before then.
    """

    def __init__(self, reason: str, *, status: int | None = None, until: datetime | None = None) -> None:
        self.reason, self.status, self.until = reason, status, until
        super().__init__(reason)


class OutboundRefused(OutboundFailed):
    """A failure that a server which is up causes: no address that may be reached, or an answer that is too long."""
