"""The requests of the probes: to the issuer only, and bounded in number and time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from provider.doctor.examination import BAD_GATEWAY, Case
from provider.doctor.transport import Response, Unreachable

MOST_REQUESTS = 360
"""The most requests of one run."""
SECONDS = 240.0
"""How long one run may take before it stops asking, in seconds. Then it cleans up."""
TOO_MANY = 429
FORM = "application/x-www-form-urlencoded"


class Unclear(Exception):
    """The answer allows no verdict: something else answered, or it was rejected for another reason."""


class Stopped(Unreachable):
    """No more requests are sent in this run: a rate limit was reached, or the bounds of the run."""


@dataclass
class Wire:
    """The way to the issuer, as one run of the probes uses it."""

    case: Case
    began: float = field(default_factory=time.monotonic)
    sent: int = 0
    request_ids: list[str] = field(default_factory=list)
    """The ids of all requests, under which explanations of rejected ones are stored."""
    proofs: list[bytes] = field(default_factory=list)
    """Digests of all DPoP proofs, under which those that were used are stored."""
    stopped: Stopped | None = None
    expects_limit: bool = False
    """Whether a rate limit is what is tried, so that it does not end the run."""

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
    ) -> Response:
        """Send one request to a URL or path of the issuer. Raises Unreachable, Stopped.

        A rate limit and an outage say nothing about the attack. After a rate limit nothing more is sent.
        """
        if self.stopped is not None:
            raise self.stopped
        url = url if url.startswith(("http:", "https:")) else self.case.url + url
        if not self.is_ours(url):
            raise AssertionError(f"probes ask only the issuer, not {url}")
        if self.sent >= MOST_REQUESTS or time.monotonic() - self.began > SECONDS:
            self.stopped = Stopped(self.case.url, f"after {self.sent} requests the run of the probes ended early")
            raise self.stopped
        self.sent += 1
        given, body = dict(headers or {}), None
        if form is not None:
            given.setdefault("Content-Type", FORM)
            body = urlencode(form).encode()
        answer = self.case.transport.send(method, url, headers=given, body=body, verified=True)
        if (request_id := answer.header("x-request-id")) is not None:
            self.request_ids.append(request_id)
        if answer.status == TOO_MANY and not self.expects_limit:
            self.stopped = Stopped(self.case.url, "a rate limit was reached (status 429)")
            raise self.stopped
        if answer.status in BAD_GATEWAY:
            raise Unreachable(self.case.url, f"no node answers (status {answer.status})")
        return answer

    def is_ours(self, url: str) -> bool:
        """Return whether a URL is the issuer's or below it."""
        return url == self.case.url or url.startswith((f"{self.case.url}/", f"{self.case.url}?"))
