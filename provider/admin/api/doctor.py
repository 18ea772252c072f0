"""The last result of `signet doctor` in the worker, and running it now."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.operators import doctor_runs
from provider.operators.doctor_runs import AlreadyRequested
from provider.web.call import Call


class DoctorFinding(Body):
    """A finding of an examination."""

    group: str = Field(description="The group of the examination, such as `tls`.")
    examination: str = Field(description="The name of the examination.")
    id: str = Field(description="The stable name of the finding, such as `tls.expired`.")
    severity: Literal["ok", "warning", "problem", "unknown"] = Field(
        description="`ok`, `warning`, `problem`, or `unknown` if it could not be examined."
    )
    what: str = Field(description="What was seen.")
    why: str = Field(description="Why it matters. Empty if it is in order.")
    fix: str = Field(description="What to do. Empty if it is in order.")
    section: str = Field(description="The page of the documentation, or the section of a specification.")


class DoctorResult(Body):
    """The last result of the doctor in the worker, and what is going on."""

    progress: Literal["idle", "requested", "running", "lost"] = Field(
        description="`requested` until a worker begins, then `running`. `lost` if the worker of the latest run stopped."
    )
    finished_at: datetime | None = Field(
        None, description="When the run ended that found this. Absent before the first."
    )
    requested_by: str | None = Field(
        None, description="Who requested that run: `user` or `client` with its ID. Absent for nightly runs."
    )
    host: str | None = Field(None, description="The machine of the worker.")
    url: str | None = Field(None, description="The issuer that was examined.")
    problems: int = Field(description="The number of problems.")
    findings: list[DoctorFinding] = Field(description="The findings, the worst first, at most 200.")


@by_operator(needs=Permission.SETTINGS_READ, gives=DoctorResult)
def show_doctor(call: Call, _operator: Operator, _body: Body) -> DoctorResult:
    """Get the last result of the doctor. A worker ran it at night or because an operator requested it."""
    runs = doctor_runs.find(call.work.read)
    result = runs.result or {"findings": []}
    return DoctorResult(
        progress=runs.progress(call.work.now).value,
        finished_at=runs.finished_at,
        requested_by=result.get("by"),
        host=result.get("host"),
        url=result.get("url"),
        problems=runs.problems,
        findings=[
            DoctorFinding(**{name: finding.get(name, "") for name in DoctorFinding.model_fields})
            for finding in result["findings"]
        ],
    )


@by_operator(needs=Permission.SETTINGS_WRITE, problems=(AlreadyRequested,))
def run_doctor(call: Call, _operator: Operator, _body: Body) -> None:
    """Request a run of the doctor. A worker starts it within seconds, and it takes up to a few minutes."""
    doctor_runs.request(call.work)
