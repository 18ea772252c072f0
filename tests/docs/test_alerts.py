"""The alerts in deploy/prometheus-alerts.yml: they are rules of Prometheus, about metrics and labels that exist."""

import re
from typing import Any

import yaml

import provider.metrics  # noqa: F401  # imports every module that declares metrics
from provider.observability.instruments import METRICS
from tests.support.server_process import REPOSITORY

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((REPOSITORY / "deploy/prometheus-alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
ADDED_BY_PROMETHEUS = {"instance", "job", "le"}


def labels_by_metric() -> dict[str, set[str]]:
    """Return each series that Prometheus sees, with its labels."""
    return {
        one.name + end: set(one.label_names)
        for one in METRICS
        for end in {"Counter": ("_total",), "Histogram": ("_bucket", "_sum", "_count")}.get(one.kind, ("",))
    }


def test_each_alert_has_an_expression_a_severity_and_a_summary() -> None:
    assert len(RULES) == len({rule["alert"] for rule in RULES}) > 5
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "0m")), rule
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_alerts_are_about_metrics_and_labels_that_exist() -> None:
    known = labels_by_metric()
    for rule in RULES:
        metrics = re.findall(r"\bsignet_\w+", rule["expr"])
        assert metrics, rule
        assert [metric for metric in metrics if metric not in known] == []
        labels = {label for metric in metrics for label in known[metric]} | ADDED_BY_PROMETHEUS
        selected = re.findall(r"[{,]\s*(\w+)\s*(?:=|!)", rule["expr"])
        grouped = [label for by in re.findall(r"\bby \(([^)]*)\)", rule["expr"]) for label in by.split(", ")]
        shown = re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])
        assert set(selected) | set(grouped) | set(shown) <= labels, rule


def test_the_page_about_monitoring_says_what_to_do_about_each_alert() -> None:
    page = (REPOSITORY / "docs/operate/monitor.md").read_text("utf-8")
    assert re.findall(r"^\| `(Signet\w+)` \| \S", page, re.MULTILINE) == [rule["alert"] for rule in RULES]
