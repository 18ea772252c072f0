"""signet doctor on the installation itself, and the command as a script sees it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from provider import processes
from provider.doctor import registry, system_checks
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, Severity, fine
from provider.doctor.inside import INSIDE
from provider.doctor.transport import NetworkTransport
from tests.cli.conftest import Signet
from tests.support.doctor import found_by
from tests.support.installation import Work
from tests.support.server_process import free_port


def found(case: Case, *names: str) -> dict[str, str]:
    chosen = [each for each in INSIDE if each.name in names]
    return {name: each.severity for name, each in found_by(case, chosen).items()}


def run_processes(work: Work, *, delivers: bool = True, **values: Any) -> None:
    with work() as w:
        processes.note_running(w, processes.this_process(w, delivers=delivers))
        if values:
            w.db.execute(processes.processes.update().values(**values))


def test_a_fit_installation_has_no_finding(case: Case, work: Work) -> None:
    run_processes(work)
    assert found(case, "inside", "processes", "published-keys", "disk") == {}


def test_settings_that_cannot_be_used_are_named(case: Case) -> None:
    broken = replace(case, installation=None, inside_problem="SIGNET_SECRET_KEY is not set")
    (finding,) = found_by(broken, INSIDE).values()
    assert (finding.id, finding.what) == ("installation.cannot-be-opened", "SIGNET_SECRET_KEY is not set.")


def test_what_the_check_finds_is_found(case: Case) -> None:
    """F-12: cheap password hashes."""
    assert found(case, "settings")["installation.check.bcrypt-cost"] == "problem"


def test_what_the_check_finds_in_the_database_is_found(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_checks, "LITTLE", 1 << 60)
    monkeypatch.setattr(system_checks, "TOO_LITTLE", 1 << 60)
    assert found(case, "system")["installation.check.disk"] == "problem"


@pytest.mark.parametrize(("free", "severity"), [(50 << 20, "problem"), (500 << 20, "warning")])
def test_a_full_disk_of_this_machine_is_named(
    case: Case, monkeypatch: pytest.MonkeyPatch, free: int, severity: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free, total=100 << 30))
    assert found(case, "disk") == {"installation.disk-is-nearly-full": severity}


@pytest.mark.parametrize(
    ("revision", "name"), [("0001", "installation.pending-migrations"), ("9999", "installation.newer-schema")]
)
def test_another_schema_is_named(case: Case, work: Work, revision: str, name: str) -> None:
    with work() as w:
        w.db.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    assert found(case, "processes") == {name: "problem"}


def test_a_worker_that_does_not_run_is_named(case: Case, work: Work) -> None:
    run_processes(work, delivers=False)
    assert found(case, "processes") == {"installation.no-worker": "problem"}


def test_without_a_process_there_is_no_verdict(case: Case, work: Work) -> None:
    assert found(case, "processes") == {"installation.no-process-seen": "unknown"}
    run_processes(work, seen_at=case.now() - timedelta(hours=1))
    assert found(case, "processes") == {"installation.no-process-seen": "unknown"}


def test_processes_of_several_versions_are_named(case: Case, work: Work) -> None:
    run_processes(work, version="0.1.0")
    assert found(case, "processes") == {"installation.mixed-versions": "warning"}


# The command.

OUTSIDE = "https://id.example.test"


@pytest.fixture
def examining(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the examinations by one that yields these findings."""

    def use(*findings: Finding, needs: Needs = Needs.URL) -> None:
        one = Examination("one", Group.TLS, "Looks at something.", lambda _: iter(findings), needs)
        monkeypatch.setattr(registry, "EXAMINATIONS", (one,))

    return use


BAD = Finding("tls.bad", Severity.PROBLEM, "It is bad.", "It matters.", "Mend it.", "docs/operate/doctor.md")


def test_the_exit_status_and_the_report(signet: Signet, examining: Callable[..., None]) -> None:
    examining(fine("tls.good", "It is good."))
    ran = signet("doctor", "--url", OUTSIDE)
    assert (ran.status, ran.out) == (0, "TLS\n  ok       It is good.\n\n1 ok.\n")
    examining(BAD)
    ran = signet("doctor", "--url", f"{OUTSIDE}/", "--json")
    assert ran.status == 1
    value = json.loads(ran.out)
    assert (value["url"], value["result"]) == (OUTSIDE, "problem")
    (finding,) = value["findings"]
    assert finding == {
        "group": "tls",
        "examination": "one",
        "id": "tls.bad",
        "severity": "problem",
        "what": "It is bad.",
        "why": "It matters.",
        "fix": "Mend it.",
        "section": "docs/operate/doctor.md",
    }
    examining(replace(BAD, severity=Severity.UNKNOWN))
    assert signet("doctor", "--url", OUTSIDE).status == 2


def test_a_dry_run_does_nothing(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Any:
        raise AssertionError

    for name in ("send", "connect", "shake_hands", "accepts_old_tls", "accepts_weak_suites"):
        monkeypatch.setattr(NetworkTransport, name, never)
    ran = signet("doctor", "--dry-run", "--only", "mail", "--only", "tls")
    assert (ran.status, ran.err) == (0, "")
    assert "  certificates: Completes a TLS handshake with each address. At most 40 seconds.\n" in ran.out
    assert "test-email" not in ran.out
    planned = signet("doctor", "--dry-run", "--json", "--url", OUTSIDE).json
    assert {each["needs"] for each in planned} == {Needs.URL.value}
    asked = signet("doctor", "--dry-run", "--only", "mail", "--send-test-email", "ada@example.com")
    assert "  test-email: Sends a test email" in asked.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--url", "id.example.com"), "--url must be a URL such as https://id.example.com, not id.example.com"),
        (("--node", "10.0.0.5:8001"), "--node must be a URL"),
        (("--url", OUTSIDE, "--send-test-email", "a@b.example"), "--send-test-email needs the settings"),
        (("--ca", "/nowhere.pem"), "--ca: there is no file /nowhere.pem"),
        (("--only", "teeth"), "teeth"),
    ],
)
def test_what_cannot_be_examined_is_said(signet: Signet, arguments: tuple[str, ...], said: str) -> None:
    ran = signet("doctor", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_settings_that_are_invalid_end_the_command_with_2(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNET_ISSUER", "ftp://x")
    assert signet("doctor").status == 2


@pytest.mark.only_on("postgresql")
@pytest.mark.both_databases
def test_without_a_key_the_address_is_still_examined(signet: Signet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGNET_SECRET_KEY")
    monkeypatch.setenv("SIGNET_ISSUER", f"http://localhost:{free_port()}")
    ran = signet("doctor", "--json")
    assert ran.status == 1
    found_ = {each["id"] for each in json.loads(ran.out)["findings"]}
    assert {"installation.cannot-be-opened", "address.no-connection", "address.resolves"} <= found_


def test_an_installation_that_does_not_answer_gives_no_verdict(signet: Signet, environ: pytest.MonkeyPatch) -> None:
    """An outage is never a verdict: status 2."""
    environ.setenv("SIGNET_ISSUER", f"http://localhost:{free_port()}")
    ran = signet("doctor", "--json", "--only", "address", "--only", "browser", "--only", "metadata", "--only", "proxy")
    assert ran.status == 2
    severities = {each["severity"] for each in json.loads(ran.out)["findings"]}
    assert severities == {"ok", "unknown"}
