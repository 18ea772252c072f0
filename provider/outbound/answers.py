"""The results of a request to another server: an answer, or a failure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """A complete response. `content_type` is in lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


class OutboundFailed(Exception):
    """A request without a usable response.

    `reason` is for the operator's log and explanation only: it could reveal our network to a caller.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
