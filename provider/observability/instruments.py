"""The kinds of metrics: counters, gauges and histograms of this process, and figures from the database.

Before `metrics.begin` nothing is counted, and nothing is imported for it. Each metric has a maximum number of series;
further ones count as `other`.
"""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
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

METRICS: list["Described"] = []
"""Every metric."""


@dataclass(frozen=True)
class Label:
    """A label of a metric: what its values are, and all of them if there are few."""

    name: str
    about: str
    values: tuple[str, ...] = ()


class Described:
    """A metric: its name, what it counts, its labels, and when to alert, as the reference of the metrics shows it."""

    kind = ""

    def __init__(self, name: str, about: str, *labels: Label, alert: str = "") -> None:
        self.name, self.about, self.labels, self.alert = name, about, labels, alert
        METRICS.append(self)

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)


class Instrument(Described):
    """A metric that this process counts."""

    options: dict[str, Any] = {}  # noqa: RUF012  # never changed

    def __init__(self, name: str, about: str, *labels: Label, alert: str = "") -> None:
        super().__init__(name, about, *labels, alert=alert)
        self.on = False
        self._children: dict[tuple[str, ...], Any] = {}

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

    Some also count for the operators' overview: `tally` maps the label values to the names there.
    """

    kind = "Counter"

    def __init__(
        self,
        name: str,
        about: str,
        *labels: Label,
        alert: str = "",
        tally: Callable[..., tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(name, about, *labels, alert=alert)
        self._tally = tally

    def count(self, *values: str) -> None:
        if self.on:
            self.of(values).inc()
        if self._tally is not None:
            for name in self._tally(*values):
                counters.count(name)

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


class Figure(Described):
    """A number that is read from the database when the metrics are requested."""

    kind = "Gauge"

    def family(self) -> Any:
        """Return the metric without values, for `add_metric`."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  # most processes have no metrics

        return GaugeMetricFamily(self.name, self.about, labels=self.label_names)

    def of(self, value: float) -> Any:
        """Return the metric with its one value."""
        family = self.family()
        family.add_metric((), value)
        return family


def name_of(error: Exception) -> str:
    """Return the label value of an error.

    It is a refusal's code with underscores (`wrong_password`), else the name of the class in the same form.
    """
    if isinstance(error, Refusal):
        return error.code.replace("-", "_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()
