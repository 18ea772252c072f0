"""The report of the doctor, as text for people and as a value for JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from provider.doctor.examination import TITLES, Case, Examination
from provider.doctor.findings import Finding, Severity
from provider.doctor.run import Result, can_run, worst

STATUS = {Severity.OK: 0, Severity.WARNING: 0, Severity.PROBLEM: 1, Severity.UNKNOWN: 2}
"""The exit status by the severity that decides."""
WIDTH = 8


def as_value(url: str, results: Sequence[Result]) -> dict[str, Any]:
    """Return the report for JSON."""
    findings = [
        {"group": result.examination.group, "examination": result.examination.name, **asdict(finding)}
        for result in results
        for finding in result.findings
    ]
    counts = {severity: _count(results, severity) for severity in Severity}
    return {"url": url, "result": worst(results), "counts": counts, "findings": findings}


def as_lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of the report, with a heading for each group."""
    group = None
    for result in results:
        if result.findings and result.examination.group is not group:
            if group is not None:
                yield ""
            group = result.examination.group
            yield TITLES[group]
        for finding in result.findings:
            yield from _lines_of(finding)
    if results:
        yield ""
    parts = [f"{count} {severity}" for severity in Severity if (count := _count(results, severity))]
    yield ", ".join(parts) + "." if parts else "There was nothing to examine."


def _lines_of(finding: Finding) -> Iterator[str]:
    yield f"  {finding.severity:<{WIDTH}} {finding.what}"
    if finding.severity is Severity.OK:
        return
    indent = " " * (WIDTH + 3)
    yield f"{indent}Why: {finding.why}"
    yield f"{indent}Fix: {finding.fix}"
    yield f"{indent}See: {finding.section} ({finding.id})"


def plan(case: Case, examinations: Sequence[Examination]) -> list[dict[str, Any]]:
    """Return what would be done, for `--dry-run`."""
    return [
        {
            "group": each.group,
            "examination": each.name,
            "does": each.does,
            "needs": each.needs.value,
            "seconds": each.seconds,
        }
        for each in examinations
        if can_run(case, each)
    ]


def plan_lines(planned: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the plan, with a heading for each group."""
    group = None
    for each in planned:
        if each["group"] != group:
            if group is not None:
                yield ""
            group = each["group"]
            yield TITLES[each["group"]]
        yield f"  {each['examination']}: {each['does']} At most {each['seconds']:g} seconds."


def _count(results: Sequence[Result], severity: Severity) -> int:
    return sum(finding.severity is severity for result in results for finding in result.findings)
