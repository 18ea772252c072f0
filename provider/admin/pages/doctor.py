"""The last result of `signet doctor` in the worker, and running it now (docs/operate/doctor.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.actions import Action, Actions, Subject, action_endpoint, available, done_message
from provider.admin.pages.users.runs import operator_names
from provider.languages.text import Text
from provider.operators import doctor_runs
from provider.operators.doctor_runs import DoctorRuns, Progress
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import page

PATH = "/admin/doctor"
NEEDS = Permission.SETTINGS_WRITE
PASSED = "ok"
SEVERITIES: Mapping[str, Text] = {
    "problem": Text("problem"),
    "unknown": Text("not examined"),
    "warning": Text("warning"),
    PASSED: Text("passed"),
}
"""The severities of findings in words, the worst first."""
COUNTS: Mapping[str, Text] = {
    "problem": Text("Problems"),
    "unknown": Text("Not examined"),
    "warning": Text("Warnings"),
    PASSED: Text("Passed"),
}


@dataclass(frozen=True)
class Group:
    """The findings of a group of examinations."""

    title: str
    """Its name, in English as the findings."""
    findings: Sequence[Mapping[str, Any]]
    """Those that are not in order, the worst first."""
    passed: Sequence[Mapping[str, Any]]
    """Those that are in order."""


def groups_of(findings: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Return the findings of a stored result by group: the group with the worst finding first."""
    worst_first = list(SEVERITIES)
    ordered = sorted(findings, key=lambda finding: worst_first.index(finding["severity"]))
    titles = dict.fromkeys(finding["title"] for finding in ordered)
    return [
        Group(
            title,
            [each for each in ordered if each["title"] == title and each["severity"] != PASSED],
            [each for each in ordered if each["title"] == title and each["severity"] == PASSED],
        )
        for title in titles
    ]


def _run(call: Call, _subject: Subject[Progress]) -> None:
    doctor_runs.request(call.work)


ACTIONS: Actions[Progress] = {
    "run": Action(
        title=Text("Run diagnostics"),
        button=Text("Run now"),
        means=(
            Text(
                "A worker examines the address, TLS, proxy, email domain, database and settings of this installation."
            ),
            Text("It changes nothing and takes up to a few minutes. The result replaces the last one."),
        ),
        done=Text("Diagnostics requested. Reload this page in a minute."),
        do=_run,
        is_available=lambda progress: progress in {Progress.IDLE, Progress.LOST},
    ),
}


@endpoint
def show_doctor(call: Call) -> Response:
    """Show the last result: GET /admin/doctor."""
    operator = require_operator(call, Permission.SETTINGS_READ)
    runs = doctor_runs.find(call.work.read)
    result, progress = runs.result, runs.progress(call.work.now)
    return page(
        call,
        "admin/doctor.html",
        runs=runs,
        result=result,
        groups=[] if result is None else groups_of(result["findings"]),
        progress=progress,
        actions=available(ACTIONS, progress, NEEDS, operator),
        by=_names(call, runs),
        severities=SEVERITIES,
        counts=COUNTS,
        nightly=call.settings.doctor_nightly,
        done=done_message(call, ACTIONS),
    )


def find_doctor(call: Call, operator: Operator) -> Subject[Progress]:
    """Return what is going on, as a Subject."""
    progress = doctor_runs.find(call.work.read).progress(call.work.now)
    return Subject(call.settings.issuer, PATH, progress, operator)


act_on_doctor = action_endpoint(find_doctor, ACTIONS, here="doctor", needs=NEEDS)


def _names(call: Call, runs: DoctorRuns) -> Mapping[str, tuple[str, str | None]]:
    """Return the name and the URL of each operator who requested a run."""
    result = runs.result or {}
    return operator_names(call, {by for by in (runs.requested_by, runs.started_by, result.get("by")) if by})
