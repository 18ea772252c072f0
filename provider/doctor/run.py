"""Running the examinations: side by side, each within its time, and none that ends the others."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import SQLAlchemyError

from provider.database.engine import OUTAGES
from provider.doctor.examination import Case, Examination, Needs
from provider.doctor.findings import Finding, Severity, unknown
from provider.doctor.transport import Unreachable
from provider.observability.logging import log

MOST_SAID = 200
"""How much of an unexpected error is shown, in characters."""
SIDE_BY_SIDE = 6
"""How many examinations run at the same time."""
NO_ANSWER = unknown(
    "doctor.no-answer",
    why="An outage says nothing about the configuration, so there is no verdict.",
    fix="Check that what is named here is running, and that this machine can reach it. Then run the doctor again.",
    section="docs/operate/doctor.md",
)
TOO_SLOW = unknown(
    "doctor.too-slow",
    why="The doctor stops waiting, so that it ends in bounded time. There is no verdict.",
    fix="Run only this group with --only. If it stays slow, look at the servers that it asks.",
    section="docs/operate/doctor.md",
)
BROKEN = unknown(
    "doctor.failed",
    why="An examination ended with an error that it does not expect, so there is no verdict.",
    fix="Report it as a bug in Signet, with what is shown here.",
    section="docs/operate/doctor.md",
)


@dataclass(frozen=True)
class Result:
    """An examination, and what it found."""

    examination: Examination
    findings: tuple[Finding, ...]
    seconds: float


def can_run(case: Case, examination: Examination) -> bool:
    """Return whether a case has what the examination needs."""
    if examination.needs is Needs.REQUEST:
        return case.installation is not None and case.test_email_to is not None
    if examination.needs is Needs.PROBES:
        return case.installation is not None and case.probes
    return examination.needs is Needs.URL or case.installation is not None


def examine(case: Case, examinations: Sequence[Examination]) -> list[Result]:
    """Run those examinations for which the case has what they need; return the results in the order given.

    Does not raise: what could not be examined is a finding of severity `unknown`.
    """
    chosen = [each for each in examinations if can_run(case, each)]
    room = threading.Semaphore(SIDE_BY_SIDE)
    waiting = [_Run(case, examination, room) for examination in chosen]
    return _without_repetition([run.result() for run in waiting])


def _without_repetition(results: Iterable[Result]) -> list[Result]:
    """Leave out what several examinations could not do for the same reason, except the first time."""
    kept, seen = [], set()
    for result in results:
        new = [each for each in result.findings if each.id != NO_ANSWER.id or each.what not in seen]
        seen |= {each.what for each in new}
        kept.append(replace(result, findings=tuple(new)))
    return kept


class _Run:
    """One examination in a thread of its own, which may be left behind: a system call cannot be interrupted."""

    def __init__(self, case: Case, examination: Examination, room: threading.Semaphore) -> None:
        self._case, self._examination, self._room = case, examination, room
        self._found: list[Finding] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._is_late = False
        self._began = time.monotonic()
        self._seconds = 0.0
        threading.Thread(target=self._run, name=f"doctor {examination.name}", daemon=True).start()

    def _run(self) -> None:
        self._room.acquire()  # released by `_end`
        self._began = time.monotonic()
        alarm = threading.Timer(self._examination.seconds, self._end, kwargs={"is_late": True})
        alarm.daemon = True
        alarm.start()
        try:
            for finding in self._examination.run(self._case):
                self._found.append(finding)
        except Unreachable as failed:
            self._found.append(NO_ANSWER.found(f"{failed.where}: {failed.reason}."))
        except OUTAGES as outage:
            self._found.append(NO_ANSWER.found(f"The database does not answer ({type(outage).__name__})."))
        except SQLAlchemyError as error:
            what = f"The database cannot be read as this version needs it ({type(error).__name__})."
            self._found.append(NO_ANSWER.found(what))
        except Exception as error:  # noqa: BLE001  # one examination must not end the others
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:MOST_SAID]}"
            log.debug("doctor.failed", examination=self._examination.name, error=said)
            what = f"The examination {self._examination.name} failed ({said})."
            self._found.append(BROKEN.found(what))
        finally:
            alarm.cancel()
            self._end()

    def _end(self, *, is_late: bool = False) -> None:
        """Note the end, the first time: that of the examination, or of its time."""
        with self._lock:
            if self._ended.is_set():
                return
            self._is_late, self._seconds = is_late, time.monotonic() - self._began
            self._ended.set()
        self._room.release()  # a thread that is left behind takes no room

    def result(self) -> Result:
        """Wait for the end, and return what was found until then."""
        self._ended.wait()
        found = tuple(self._found)
        if self._is_late:
            what = f"The examination {self._examination.name} took longer than {self._examination.seconds:g} seconds."
            found = (*found, TOO_SLOW.found(what))
        return Result(self._examination, found, self._seconds)


def worst(results: Iterable[Result]) -> Severity:
    """Return the severity that decides: a problem, else what could not be examined, else a warning, else ok."""
    found = {finding.severity for result in results for finding in result.findings}
    order = (Severity.PROBLEM, Severity.UNKNOWN, Severity.WARNING)
    return next((severity for severity in order if severity in found), Severity.OK)
