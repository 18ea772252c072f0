"""The reference of the metrics, from their declarations."""

import provider.metrics  # noqa: F401  # imports every module that declares metrics
from provider.observability.instruments import METRICS, Counter, Described, Histogram, Label
from tests.docs.generate.markdown import links, table

SUFFIXES: dict[type[Described], str] = {Counter: "_total"}
"""What Prometheus appends to the name."""


def metrics() -> str:
    return "\n".join(_metric(metric) for metric in METRICS)


def shown_name(metric: Described) -> str:
    return metric.name + SUFFIXES.get(type(metric), "")


def _metric(metric: Described) -> str:
    text = f"### {shown_name(metric)}\n\n{links(metric.about)}\n\nType: {metric.kind.lower()}"
    if isinstance(metric, Histogram):
        text += f" (`{metric.name}_bucket`, `{metric.name}_sum` and `{metric.name}_count`)"
    text += ".\n\n"
    if metric.labels:
        text += table(("label", "what it is", "values"), [_label(label) for label in metric.labels]) + "\n"
    return text + (f"Alert on: {links(metric.alert[0].lower() + metric.alert[1:])}\n" if metric.alert else "")


def _label(label: Label) -> tuple[str, str, str]:
    return f"`{label.name}`", links(label.about), ", ".join(f"`{value}`" for value in label.values)
