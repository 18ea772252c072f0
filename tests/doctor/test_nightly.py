"""The doctor in the worker: at night or when requested, by one process, with one stored result and no secrets."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from provider.audit import store as audit
from provider.config.settings import Settings
from provider.doctor import background
from provider.operator_names import OperatorName
from provider.operators import doctor_runs
from provider.operators.doctor_runs import LEASE, AlreadyRequested, Progress
from provider.work import Installation, Origin
from tests.support.clock import Clock
from tests.support.installation import Work, settings_for

OPERATOR = OperatorName.user("0190b0f0-0000-7000-8000-000000000001")
BY = str(OPERATOR)


def never() -> bool:
    return False


def report(*findings: dict[str, Any]) -> dict[str, Any]:
    counts = dict.fromkeys(("ok", "warning", "problem", "unknown"), 0)
    for finding in findings:
        counts[finding["severity"]] += 1
    return {"url": "https://id.example.test", "result": "ok", "counts": counts, "findings": list(findings)}


def finding(what: str = "It is wrong.", severity: str = "problem") -> dict[str, Any]:
    return {"group": "tls", "severity": severity, "id": "tls.x", "what": what, "why": "", "fix": "", "section": ""}


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each examination of the installation, which finds one problem."""
    issuers: list[str] = []

    def examine(installation: Installation) -> dict[str, Any]:
        issuers.append(installation.settings.issuer)
        return report(finding())

    monkeypatch.setattr(background, "examine_installation", examine)
    return issuers


def requested(work: Work) -> None:
    with work(Origin(operator=OPERATOR)) as w:
        doctor_runs.request(w)


def found(work: Work) -> doctor_runs.DoctorRuns:
    with work() as w:
        return doctor_runs.find(w.read)


@pytest.mark.both_databases
def test_a_requested_run_is_done_once_and_only_its_result_is_kept(
    installation: Installation, work: Work, clock: Clock, examined: list[str]
) -> None:
    assert not background.run_due(installation, never)
    requested(work)
    assert found(work).progress(clock()) is Progress.REQUESTED
    with pytest.raises(AlreadyRequested):
        requested(work)
    assert background.run_due(installation, never)
    assert not background.run_due(installation, never)
    runs = found(work)
    assert (len(examined), runs.problems, runs.started_by, runs.finished_at) == (1, 1, BY, clock())
    assert runs.progress(clock()) is Progress.IDLE
    assert runs.result is not None
    assert runs.result["by"] == BY
    clock.advance(timedelta(minutes=1))
    requested(work)
    background.run_due(installation, never)
    assert found(work).finished_at == clock()
    with work() as w:
        assert [event.details for event in audit.find(w.read, names=["installation.doctor_requested"])] == (
            [{"operator": BY}] * 2
        )


def test_it_runs_once_a_night_if_that_is_on(
    installation: Installation, work: Work, clock: Clock, examined: list[str]
) -> None:
    on = replace(installation, settings=installation.settings.model_copy(update={"doctor_nightly": True}))

    def at(text: str, where: Installation = on) -> bool:
        clock.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return background.run_due(where, never)

    assert not at("2030-01-01T03:10", installation)
    assert not at("2030-01-01T02:59")
    assert at("2030-01-01T03:00")
    assert not at("2030-01-01T03:40")
    assert not at("2030-01-01T04:00")
    assert at("2030-01-02T03:59")
    assert found(work).started_by is None
    assert len(examined) == 2


@pytest.mark.both_databases
def test_one_of_many_workers_examines(
    installation: Installation, work: Work, examined: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-500: one conditional UPDATE claims a run."""
    requested(work)
    results: list[bool] = []
    workers = [
        threading.Thread(target=lambda: results.append(background.run_due(installation, never))) for _ in range(4)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert (sorted(results), len(examined)) == ([False, False, False, True], 1)


def test_a_process_that_stops_gives_the_run_back(
    installation: Installation, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()

    def hang(_: Installation) -> dict[str, Any]:
        hold.wait(10)
        return report()

    monkeypatch.setattr(background, "examine_installation", hang)
    requested(work)
    assert not background.run_due(installation, lambda: True)
    hold.set()
    runs = found(work)
    assert (runs.progress(clock()), runs.requested_by, runs.report) == (Progress.REQUESTED, BY, None)


def test_a_run_that_fails_or_whose_process_is_lost_is_not_repeated(
    installation: Installation, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N-501: what ends a process must not end each of them in turn."""
    with work(Origin(operator=OPERATOR)) as w:
        doctor_runs.request(w)
        assert doctor_runs.claim(w) is not None
    assert found(work).progress(clock()) is Progress.RUNNING
    with pytest.raises(AlreadyRequested):
        requested(work)
    clock.advance(LEASE)
    assert found(work).progress(clock()) is Progress.LOST
    assert not background.run_due(installation, never)
    requested(work)
    assert found(work).progress(clock()) is Progress.REQUESTED


def test_a_late_result_does_not_replace_that_of_a_later_run(work: Work, clock: Clock) -> None:
    """N-502: its claim is gone."""
    with work(Origin(operator=OPERATOR)) as w:
        doctor_runs.request(w)
        first = doctor_runs.claim(w)
    clock.advance(LEASE)
    with work(Origin(operator=OPERATOR)) as w:
        doctor_runs.request(w)
        second = doctor_runs.claim(w)
        assert first is not None
        assert second is not None
        assert not doctor_runs.finish(w, first, report=report(finding()), problems=1)
        doctor_runs.release(w, first)
        assert doctor_runs.finish(w, second, report=report(), problems=0)


def test_the_stored_result_is_bounded(work: Work) -> None:
    """N-504: findings and texts are cut."""
    with work(Origin(operator=OPERATOR)) as w:
        doctor_runs.request(w)
        claim = doctor_runs.claim(w)
        assert claim is not None
        large = report(*[finding("x" * 100_000)] * 5000)
        doctor_runs.finish(w, claim, report=large, problems=5000)
    stored = found(work).report
    assert stored is not None
    assert len(stored) < 1_000_000


def test_no_secret_of_the_settings_is_in_a_stored_result() -> None:
    """N-503: passwords in URLs count, also as they are encoded."""
    settings = settings_for(
        "postgresql+psycopg://signet:p%40ss@db/signet",
        redis_url="redis://:red-secret@redis",
        smtp_user="signet",
        smtp_password=SecretStr("mail-secret"),
    )
    assert settings.secret_key is not None
    said = f"connect(p@ss, p%40ss, red-secret, mail-secret, {settings.secret_key.get_secret_value()})"
    masked = background.without_secrets(report(finding(said)), settings)
    assert masked["findings"][0]["what"] == "connect(***, ***, ***, ***, ***)"
    assert masked["counts"]["problem"] == 1


def test_problems_come_first_so_that_only_others_are_cut() -> None:
    found = [finding(severity=severity) for severity in ("ok", "warning", "problem", "unknown")]
    ordered = [each["severity"] for each in background.in_order(found)]
    assert ordered == ["problem", "unknown", "warning", "ok"]


def test_every_examination_that_only_looks_is_run(
    installation: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def examine(case: Any, examinations: list[Any]) -> list[Any]:
        asked.extend(each.name for each in examinations)
        assert (case.url, case.installation, case.test_email_to) == (settings.issuer, installation, None)
        return []

    monkeypatch.setattr("provider.doctor.run.examine", examine)
    value = background.examine_installation(installation)
    assert {"names", "certificates", "inside", "system"} <= set(asked)
    assert (value["findings"], value["url"]) == ([], settings.issuer)


def test_a_worker_looks_for_runs(installation: Installation) -> None:
    task: Callable[..., object] = background.run_due
    assert {task: background.EVERY} == background.TASKS
