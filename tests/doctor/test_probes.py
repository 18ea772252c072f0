"""signet doctor as an attacker: a sound installation withstands, nothing is left, and an outage is no verdict."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select

from provider.accounts import registration
from provider.audit.store import audit_events
from provider.cli import doctor as command
from provider.doctor.attack import guests, wire
from provider.doctor.attack.examination import ATTACK, attack
from provider.doctor.attack.probe import PROBES, Probe
from provider.doctor.attack.world import EVIL, World
from provider.doctor.examination import Case, Group, Needs
from provider.doctor.findings import Finding, Severity
from provider.doctor.registry import choose
from provider.doctor.report import plan
from provider.doctor.run import examine
from provider.doctor.transport import Unreachable
from provider.oauth.clients import clients
from provider.observability import counters
from provider.outbox.store import outbox
from provider.runtime.throw_away import CLIENTS, FIRST_USER, is_throw_away
from provider.webhooks import subscriptions
from tests.cli.conftest import Signet
from tests.support.clock import Clock
from tests.support.doctor import FakeTransport, Proxy, respond
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.stored import stored

FEW = PROBES[:1]


def everything(work: Work) -> dict[str, list[str]]:
    with work() as w:
        return stored(w.db, but=["audit_events"])


def quick(case: Case, *probes: Probe) -> list[Finding]:
    return list(attack(case, probes or FEW))


def transport(case: Case) -> FakeTransport:
    return cast(FakeTransport, case.transport)


def test_a_sound_installation_withstands_everything_and_nothing_is_left(case: Case, work: Work) -> None:
    """N-435."""
    with work() as w:
        make_user(w)
        make_client(w)
    before = everything(work)
    counters.take(), counters.take_active()
    results = examine(replace(case, probes=True), ATTACK)
    found = [each for result in results for each in result.findings]
    assert [each for each in found if each.severity is not Severity.OK] == []
    assert [each.id for each in found] == [probe.kind.id for probe in PROBES]
    assert everything(work) == before
    assert 100 < len(transport(case).asked) < wire.MOST_REQUESTS - 20
    assert all(url.startswith(f"{case.url}/") for _, url, _ in transport(case).asked)
    assert not [name for name in counters.take() if CLIENTS in name]
    assert counters.take_active() == set()


def test_the_audit_log_says_who_it_was(case: Case, work: Work) -> None:
    quick(case)
    with work() as w:
        rows = w.read.execute(select(audit_events.c.name, audit_events.c.details, audit_events.c.client_id)).all()
    told = [row.name for row in rows if row.details.get("operator") == str(guests.OPERATOR)]
    assert sorted(told) == sorted(
        [
            *("account.created", "client.created", "client.created"),
            *("client.deleted", "client.deleted", "account.deleted", "session.all_ended"),
        ]
    )


def test_no_webhook_and_no_email_is_about_it(case: Case, work: Work) -> None:
    with work() as w:
        subscriptions.create(w, url="https://app.example.test/hook")
    quick(case)
    with work() as w:
        make_user(w)
    with work() as w:
        about = [row.about.partition(" ")[0] for row in w.read.execute(select(outbox))]
    assert sorted(about) == ["account.created", "webhook.created"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Unreachable("x", "gone"), ValueError("bug"), GeneratorExit()])
def test_an_interrupted_run_leaves_nothing(case: Case, work: Work, error: BaseException) -> None:
    """N-436."""

    def interrupted(_: World) -> str | None:
        raise error

    before = everything(work)
    run = attack(case, [replace(PROBES[0], run=interrupted)])
    if isinstance(error, Unreachable):
        assert [each.id for each in run] == ["attack.no-verdict"]
    else:
        with pytest.raises(type(error)):
            list(run)
    assert everything(work) == before


def test_what_a_thread_left_behind_is_deleted_at_the_end_of_the_command(case: Case, work: Work) -> None:
    """N-437: Ctrl-C reaches the main thread only."""
    before = everything(work)
    run = attack(case, FEW)
    next(run)
    assert everything(work) != before
    command._leave_nothing(replace(case, probes=True))
    assert everything(work) == before
    run.close()


@pytest.mark.also_on_postgresql
def test_the_next_run_deletes_what_a_killed_one_left(case: Case, work: Work, clock: Clock) -> None:
    """N-438: only what is reserved, and older than an hour."""
    with work() as w:
        user_id = make_user(w)
        client, _ = make_client(w)
        registration.create_user(w, email="own@example.test", password=None, verified=True, user_id=FIRST_USER)
        clients.create_client(w, client.metadata, client_id=f"{CLIENTS}own")
    before = everything(work)
    guests.create(case.inside, [])
    guests._present.clear()
    clock.advance(guests.LIFETIME - timedelta(minutes=1))
    assert guests.remove_leftovers(case.inside) == 0
    clock.advance(minutes=2)
    assert [each.id for each in quick(case)] == ["attack.leftovers", PROBES[0].kind.id]
    assert everything(work) == before
    assert not is_throw_away(user_id)
    assert not is_throw_away(client.client_id)


@pytest.mark.parametrize(("status", "says"), [(429, "rate limit"), (503, "no node answers")])
def test_a_limit_and_an_outage_are_no_verdict(case: Case, proxy: Proxy, status: int, says: str) -> None:
    """N-440."""
    asked = 0

    def answer(_: Any) -> Any:
        nonlocal asked
        asked += 1
        return None if asked < 10 else respond(status)

    proxy.answer = answer
    found = quick(case, *PROBES[:4])
    assert {each.id for each in found} == {"attack.no-verdict"}
    assert {each.severity for each in found} == {Severity.UNKNOWN}
    assert all(says in each.what for each in found)
    assert asked == 10 or status != 429  # nothing more is sent


def test_another_rejection_is_no_verdict(case: Case, proxy: Proxy) -> None:
    """N-441: a firewall that rejects everything must not count as a success of Signet."""
    proxy.change = lambda path, answer: respond(403) if path == "/oauth2/userinfo" else answer
    (probe,) = (each for each in PROBES if each.name == "alg-none")
    assert [each.id for each in quick(case, probe)] == ["attack.no-verdict"]


def test_the_run_is_bounded(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """N-442."""
    monkeypatch.setattr(wire, "MOST_REQUESTS", 12)
    found = quick(case, *PROBES[:3])
    assert found[-1].id == "attack.no-verdict"
    assert len(transport(case).asked) == 12


def test_a_sign_in_that_cannot_be_completed_is_unknown(case: Case, proxy: Proxy, work: Work) -> None:
    before = everything(work)
    proxy.answer = lambda request: respond(200, b"<form></form>") if request[1].startswith("/login") else None
    (finding,) = quick(case)
    assert (finding.id, finding.severity) == ("attack.not-signed-in", Severity.UNKNOWN)
    assert "/login" in finding.what
    assert everything(work) == before


@pytest.mark.parametrize("changes", [{"required_factor": "two-factor"}, {"terms_version": "2"}])
def test_it_signs_in_where_more_is_asked_of_users(case: Case, changes: dict[str, Any]) -> None:
    """A second factor that all users need, and terms of service."""
    settings = case.settings
    for name, value in changes.items():
        object.__setattr__(settings, name, value)
    assert [each.severity for each in quick(case)] == [Severity.OK]


def test_it_is_off_unless_asked_for_and_a_plan_says_everything(case: Case) -> None:
    chosen = choose([Group.ATTACK])
    assert [each.needs for each in chosen] == [Needs.PROBES]
    assert plan(case, chosen) == []
    (planned,) = plan(replace(case, probes=True), chosen)
    assert f"at most {wire.MOST_REQUESTS} requests" in planned["does"]
    assert all(probe.name in planned["does"] for probe in PROBES)


def test_the_command_shows_its_plan(signet: Signet) -> None:
    assert "code-replay" in signet("doctor", "--probes", "--dry-run").out
    assert "code-replay" in signet("doctor", "--only", "attack", "--dry-run").out
    assert "code-replay" not in signet("doctor", "--dry-run").out
    ran = signet("doctor", "--probes", "--url", "https://id.example.com")
    assert (ran.status, "--probes" in ran.err) == (2, True)


def test_requests_go_to_the_issuer_only(case: Case) -> None:
    """N-443."""
    out = wire.Wire(case)
    for url in (f"https://{EVIL}/", f"{case.url}.{EVIL}/", f"{case.url}@{EVIL}/"):
        with pytest.raises(AssertionError):
            out.send("GET", url)
    assert transport(case).asked == []
