"""The console page of the doctor: its last result, who asked for it, and another run."""

from typing import Any

from provider.admin.pages.doctor import groups_of
from provider.operators import doctor_runs
from provider.work import Installation
from tests.admin.conftest import Console, Program, action_form, events
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import ADDRESS
from tests.support.relying_party import TWO_FACTORS, sign_in_person


def finding(severity: str, what: str, title: str) -> dict[str, Any]:
    return {
        "group": title.lower(),
        "title": title,
        "severity": severity,
        "id": "tls.expired",
        "what": what,
        "why": "Browsers show an error.",
        "fix": "Renew it with `certbot renew`.",
        "section": "RFC 5280 section 4.1.2.5",
    }


FINDINGS = [
    finding("ok", "id.example.test has an address.", "Address"),
    finding("warning", "There is no HTTP/2.", "TLS"),
    finding("problem", "The certificate <b>expired</b>.", "TLS"),
]


def stored(work: Work, *findings: dict[str, Any]) -> None:
    """The result of the run that is requested."""
    counts = dict.fromkeys(("ok", "warning", "problem", "unknown"), 0)
    for each in findings:
        counts[each["severity"]] += 1
    value = {"url": "https://id.example.test", "counts": counts, "findings": list(findings), "host": "node-1"}
    with work() as w:
        claim = doctor_runs.claim(w)
        assert claim is not None
        doctor_runs.finish(w, claim, report=value, problems=counts["problem"])


def test_an_operator_requests_a_run_and_sees_its_result(console: Console, work: Work) -> None:
    assert "No result yet." in console.open("/doctor").text
    page = console.act("/doctor/run", why="Proxy replaced")
    assert page.path == "/admin/doctor"
    assert "A run is requested." in page.text
    [event] = events(work, "installation.doctor_requested")
    assert event["why"] == "Proxy replaced"
    stored(work, *FINDINGS)
    page = console.open("/doctor")
    assert (
        "The certificate <b>expired</b>. Why Browsers show an error. Fix Renew it with certbot renew . See RFC 5280"
        in page.text
    )
    assert "Requested by operator@example.test" in page.text
    assert "Host node-1" in page.text
    assert page.text.index("TLS") < page.text.index("id.example.test has an address.")
    assert "problem The certificate" in page.text
    assert page.text.index("The certificate") < page.text.index("There is no HTTP/2.")


def test_a_form_that_is_sent_again_requests_nothing_twice(console: Console, work: Work) -> None:
    """N-499: the second one leads back to the page while the first run is requested or in progress."""
    other = console.browser.new_tab()
    form = action_form(other.open("/admin/doctor/run"))
    console.act("/doctor/run")
    again = other.submit({"why": ""}, action=form.action)
    assert again.path == "/admin/doctor"
    assert len(events(work, "installation.doctor_requested")) == 1
    assert "Run now" not in console.open("/doctor").text


def test_a_run_whose_worker_stopped_is_named(console: Console, work: Work, clock: Clock) -> None:
    console.act("/doctor/run")
    with work() as w:
        assert doctor_runs.claim(w)
    assert "A run is in progress." in console.open("/doctor").text
    clock.advance(doctor_runs.LEASE)
    page = console.open("/doctor")
    assert "ended without a result" in page.text
    assert "Run now" in page.text


def test_an_auditor_sees_the_result_and_runs_nothing(browser: Browser, work: Work, installation: Installation) -> None:
    """N-505: running it needs settings:write."""
    with work() as w:
        auditor = make_user(w, ADDRESS, roles=("auditor",))
        doctor_runs.request(w)
    stored(work, *FINDINGS)
    sign_in_person(browser.client, installation, auditor, amr=TWO_FACTORS)
    page = browser.open("/admin/doctor")
    assert "There is no HTTP/2." in page.text
    assert "Run now" not in page.text
    assert browser.open("/admin/doctor/run").status == 403


def test_the_overview_leads_to_problems_of_the_last_result(console: Console, work: Work) -> None:
    hint = "The last diagnostics found 1 problem."
    with work() as w:
        doctor_runs.request(w)
    assert hint not in console.open("").text
    stored(work, *FINDINGS)
    page = console.open("")
    assert hint in page.text
    assert "/admin/doctor" in page.links.values()
    with work() as w:
        doctor_runs.request(w)
    stored(work, FINDINGS[0])
    assert hint not in console.open("").text


def test_groups_with_problems_come_first() -> None:
    found = [*FINDINGS, finding("unknown", "It does not answer.", "Redis")]
    assert [group.title for group in groups_of(found)] == ["TLS", "Redis", "Address"]
    [tls, *_] = groups_of(found)
    assert [each["severity"] for each in tls.findings] == ["problem", "warning"]
    assert groups_of(found)[2].findings == []


def test_a_program_requests_a_run_and_reads_its_result(operator: Program, reader: Program, work: Work) -> None:
    assert reader.get("/doctor") == {"progress": "idle", "problems": 0, "findings": []}
    assert operator("POST", "/doctor/run").status_code == 204
    assert reader.get("/doctor")["progress"] == "requested"
    again = operator("POST", "/doctor/run")
    assert (again.status_code, again.json()["type"]) == (409, "urn:signet:problem:doctor-already-requested")
    stored(work, *FINDINGS)
    result = reader.get("/doctor")
    assert (result["progress"], result["problems"], result["host"]) == ("idle", 1, "node-1")
    assert result["requested_by"].startswith("client ")
    assert [finding["severity"] for finding in result["findings"]] == ["ok", "warning", "problem"]
    assert result["findings"][2]["fix"] == "Renew it with `certbot renew`."
