"""The metrics for Prometheus. Before `begin` nothing is counted, and nothing is imported for it.

Label values are names from our own code (routes, grants, errors), never text from a request. Each metric has a maximum
number of series; further ones count as `other`. docs/operate/monitor.md explains each metric.

The processes of a service write to files in one folder (prometheus_client's multiprocess mode). So any process can
answer for all of them, and the counts of a dead process are kept (decision 54).
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from provider.observability import counters
from provider.refusals import Refusal

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MOST_SERIES = 2000
"""The most combinations of label values per metric. Ours have a few hundred at most."""
OTHER = "other"
QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The bucket bounds for durations, in seconds."""

INSTRUMENTS: list["Instrument"] = []


class Instrument:
    """A metric: its name, its description, and the names of its labels."""

    kind = ""
    options: dict[str, Any] = {}  # noqa: RUF012  # never changed

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self.name, self.about, self.labels = name, about, labels
        self.on = False
        self._children: dict[tuple[str, ...], Any] = {}
        INSTRUMENTS.append(self)

    def begin(self, metric: Any) -> None:
        self._children.clear()
        self._metric = metric
        self.on = True

    def end(self) -> None:
        self.on = False

    def of(self, values: tuple[str, ...]) -> Any:
        """Return the series with these label values."""
        child = self._children.get(values)
        if child is None:
            if len(self._children) >= MOST_SERIES:
                values = (OTHER,) * len(values)
            child = self._children[values] = self._metric.labels(*values) if values else self._metric
        return child


class Counter(Instrument):
    """A count of events.

    Some also count for the operators' overview: `tally` maps the label values to a name there.
    """

    kind = "Counter"

    def __init__(self, name: str, about: str, *labels: str, tally: Callable[..., str | None] | None = None) -> None:
        super().__init__(name, about, *labels)
        self._tally = tally

    def count(self, *values: str) -> None:
        if self.on:
            self.of(values).inc()
        if self._tally is not None and (tallied := self._tally(*values)) is not None:
            counters.count(tallied)

    def count_refusals(self, *values: str) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
        """Decorate a function: each exception counts under its name, after these label values."""

        def around(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
            @wraps(function)
            def counting(*given: Parameters.args, **named: Parameters.kwargs) -> Result:
                try:
                    return function(*given, **named)
                except Exception as error:
                    self.count(*values, name_of(error))
                    raise

            return counting

        return around


class Gauge(Instrument):
    """A current number, of all processes together."""

    kind = "Gauge"
    options = {"multiprocess_mode": "livesum"}  # noqa: RUF012  # never changed

    def add(self, amount: int, *values: str) -> None:
        if self.on:
            self.of(values).inc(amount)


class Histogram(Instrument):
    """A duration."""

    kind = "Histogram"
    options = {"buckets": QUICK}  # noqa: RUF012  # never changed

    def observe(self, seconds: float, *values: str) -> None:
        if self.on:
            self.of(values).observe(seconds)

    def timed(self, *values: str) -> AbstractContextManager[object]:
        return _Timed(self, values) if self.on else _UNTIMED


class _Timed:
    def __init__(self, histogram: Histogram, values: tuple[str, ...]) -> None:
        self._histogram, self._values = histogram, values

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._histogram.observe(time.perf_counter() - self._since, *self._values)


_UNTIMED: AbstractContextManager[object] = nullcontext()


def _sign_in(_factor: str, outcome: str) -> str | None:
    if outcome in {"second_factor_due", "stepped_up"}:
        return None
    return counters.SIGNED_IN if outcome == "signed_in" else counters.SIGN_IN_REFUSED


def _tokens(_grant: str, outcome: str) -> str | None:
    if outcome in {"authorization_pending", "slow_down"}:
        return None  # a device that waits for its person asks every few seconds, and nobody refused it anything
    return counters.TOKENS_ISSUED if outcome == "issued" else counters.TOKENS_REFUSED


def _letters(topic: str, outcome: str) -> str | None:
    tallied = {"kept": counters.MAIL_SENT, "failed": counters.MAIL_FAILED}  # put back: it may yet arrive
    return tallied.get(outcome) if topic == "mail" else None


REQUESTS = Counter("signet_requests", "Requests answered.", "route", "method", "status")
REQUEST_SECONDS = Histogram("signet_request_seconds", "From a request's head to the end of its answer.", "route")
POOL_REQUESTS = Gauge("signet_pool_requests", "Requests that wait for a thread of a pool or have one.", "pool")
POOL_WAIT = Histogram("signet_pool_wait_seconds", "Waiting for a thread of a pool.", "pool")
DATABASE_WAIT = Histogram("signet_database_wait_seconds", "Waiting for a connection, or for the turn to write.", "what")
TOKEN_REQUESTS = Counter(
    "signet_token_requests",
    "Requests at the token endpoint.",
    "grant",
    "outcome",
    tally=_tokens,
)
SIGN_INS = Counter("signet_sign_ins", "Steps of signing in.", "factor", "outcome", tally=_sign_in)
REFUSALS = Counter("signet_refusals", "Rejected protocol requests, by error.", "endpoint", "error")
FAILED_ATTEMPTS = Counter("signet_failed_attempts", "Wrong passwords, codes, tokens and links.", "kind")
RATE_LIMITED = Counter("signet_rate_limited", "Requests rejected by a rate limit, by what it counts.", "kind")
EVENTS = Counter("signet_events", "Audit events, by name (docs/reference/events.md).", "event")
PROMISES = Counter(
    "signet_promises",
    "Attempts to deliver a job of the outbox.",
    "topic",
    "outcome",
    tally=_letters,
)


def begin(folder: Path, process: str) -> None:
    """Count from now on, in files of this folder.

    `process` is a name of letters and digits that no other running process uses there. A successor with the same name
    continues its counts.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    import prometheus_client  # noqa: PLC0415  # 30 ms and 5 MB that nobody needs who has no metrics
    from prometheus_client import CollectorRegistry, values  # noqa: PLC0415

    for left in folder.glob(f"gauge_*_{process}.db"):
        left.unlink()  # of a predecessor that died: nothing waits in this process yet
    values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()  # one of our own: what libraries may register is not ours to show
    for instrument in INSTRUMENTS:
        make = getattr(prometheus_client, instrument.kind)
        instrument.begin(
            make(instrument.name, instrument.about, instrument.labels, registry=registry, **instrument.options)
        )


def end() -> None:
    """Stop counting and close the files, which stay."""
    from prometheus_client import values  # noqa: PLC0415  # as in `begin`

    for instrument in INSTRUMENTS:
        instrument.end()
    values.ValueClass.close_all_files()


def name_of(error: Exception) -> str:
    """Return the label value of an error.

    It is a refusal's code with underscores (`wrong_password`), else the name of the class in the same form.
    """
    if isinstance(error, Refusal):
        return error.code.replace("-", "_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()
