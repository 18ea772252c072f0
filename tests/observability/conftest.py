"""Counting, on for one test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from provider.observability import metrics

Value = Callable[..., float]
"""`value("signet_sign_ins_total", factor="password")`: the sum of the series with these labels."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "metrics"
    folder.mkdir()
    return folder


@pytest.fixture
def counting(folder: Path) -> Iterator[Path]:
    metrics.begin(folder, "0")
    yield folder
    metrics.end()


@pytest.fixture
def value(counting: Path) -> Value:
    def value(sample: str, **labels: str) -> float:
        return sum(number for name, given, number in series(counting) if name == sample and labels.items() <= given)

    return value


def series(folder: Path) -> list[tuple[str, set[tuple[str, str]], float]]:
    """(name, labels, value) of everything counted in these files."""
    collected = MultiProcessCollector(CollectorRegistry(), path=str(folder)).collect()  # type: ignore[no-untyped-call]
    return [(one.name, set(one.labels.items()), one.value) for metric in collected for one in metric.samples]
