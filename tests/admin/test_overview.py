"""The console's overview: numbers over time that lead to their lists, what needs attention, and health."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from provider import __version__, processes
from provider.accounts.store.user_counts import count_created, count_users
from provider.accounts.store.users import users
from provider.admin.pages import overview
from provider.admin.pages.attention import find_concerns
from provider.audit import active_users, daily, hourly
from provider.audit.active_users import day_of
from provider.audit.daily import TOTAL_USERS
from provider.config.settings import Settings
from provider.observability import counters
from provider.operators.overview import health, statistics
from provider.operators.overview.charts import SPANS
from provider.outbox import messages, relay
from provider.work import Installation
from provider.worker.summary import summarize
from tests.admin.conftest import Console
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_client, make_user
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person


@pytest.fixture(autouse=True)
def noon(clock: Clock) -> None:
    clock.now = clock.now.replace(hour=12)
    counters.take()
    counters.take_active()


def count(work: Work, ago: timedelta, **counts: int) -> None:
    with work() as w:
        for name, number in counts.items():
            hourly.add(w.db, hourly.hour_of(w.now - ago), name, number)


def test_the_overview_shows_the_last_day_by_the_hour(console: Console, work: Work) -> None:
    for hours, name, number in (
        (0, counters.SIGNED_IN, 30),
        (0, counters.SIGN_IN_REFUSED, 6),
        (23, counters.SIGNED_IN, 4),
        (25, counters.SIGNED_IN, 1000),
        (1, "grant:refresh_token", 1234),
        (1, "app:gone", 5),
    ):
        count(work, timedelta(hours=hours), **{name: number})
    with work() as w:
        quill, _ = make_client(w, client_name="Quill")
        messages.enqueue(w, "mail", {}, about="new_device to ada@example.test")
    count(work, timedelta(hours=2), **{counters.APP + quill.client_id: 7})
    page = console.open("")
    assert "34 successful , 6 rejected" in page.text
    assert "refresh_token 1,234" in page.text
    assert "Quill 7 gone deleted 5" in page.text
    assert "Emails, waiting 1" in page.text
    assert "RS256 In use for 0 days" in page.text
    assert "30 successful, 6 rejected</title>" in page.html


@pytest.mark.also_on_postgresql
def test_longer_ranges_add_up_days_and_lead_to_the_lists_of_their_time(
    console: Console, work: Work, clock: Clock, installation: Installation
) -> None:
    today = day_of(clock())
    for days, number in ((0, 1), (1, 20), (6, 300), (7, 4000), (29, 50_000)):
        count(work, timedelta(days=days), **{counters.SIGNED_IN: number, "app:shop": number})
    with work() as w:
        daily.put(w.db, counters.SIGNED_IN, today - timedelta(days=31), 600_000)
        daily.put(w.db, counters.SIGNED_IN, today - timedelta(days=380), 7_000_000)
    summarize(installation)
    count(work, timedelta(0), **{counters.SIGNED_IN: 2})  # after the summary
    for name, total, of_app in (
        ("24h", 3, 1),
        ("7d", 323, 321),
        ("30d", 54_323, 54_321),
        ("12m", 654_323, 54_321),
    ):
        page = console.open(f"?range={name}")
        assert f"{total:,} successful , 0 rejected" in page.text, name
        assert f"shop deleted {of_app:,}" in page.text, name
        with work() as w:
            bars = statistics.collect(w, SPANS[name]).sign_ins.bars
        since, until = bars[0].period.start.date(), bars[-1].period.last_day.date()
        assert since <= today.date() <= until
        link = f"/admin/audit?name=session.signed_in&amp;since={since}&amp;until={until}"
        assert f'href="{link}">{total:,}<' in page.html, name
        assert console.browser.client.get(link.replace("&amp;", "&")).status_code == 200
    assert "3 successful , 0 rejected" in console.open("?range=2h").text, "the usual one"


@pytest.mark.also_on_postgresql
def test_users_are_counted_by_day_and_a_large_number_by_the_worker(
    console: Console, work: Work, clock: Clock, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with work() as w:
        made = [make_user(w, f"user{number}@example.test") for number in range(7)]
        for days, user_id in zip((0, 0, 2, 20, 200, 500, 500), made, strict=True):
            moved = update(users).where(users.c.id == user_id).values(created_at=clock() - timedelta(days=days))
            w.db.execute(moved)
        active_users.mark(w, made[:2])
        assert count_users(w.db, limit=3) == 3
        assert count_created(w.db, []) == []
    summarize(installation)
    shown = {}
    for name in SPANS:
        text = console.open(f"?range={name}").text
        shown[name] = re.search(
            r"Users (\S+) New users (\S+) Active users (?:today )?(\S+) Two-factor turned on 0 %", text
        )
    new = {name: found and found.groups() for name, found in shown.items()}
    assert new == {"24h": ("8", "3", "2"), "7d": ("8", "4", "2"), "30d": ("8", "5", "2"), "12m": ("8", "6", "2")}
    lists = [html.unescape(url) for url in re.findall(r'href="(/admin/users\?[^"]+)"', console.open("?range=30d").html)]
    counts = {url.partition("?")[2].partition("_")[0]: console.browser.open(url).text for url in lists[:3]}
    assert {name: re.search(r"(\d+) users?\b", text)[1] for name, text in counts.items()} == {  # type: ignore[index]
        "created": "5", "active": "2", "two": "0",
    }  # fmt: skip
    with work() as w:
        daily.put(w.db, TOTAL_USERS, day_of(w.now), 123_456)
    monkeypatch.setattr(statistics, "COUNTED_NOW", 5)
    assert "Users 123,456 New users" in console.open("").text
    with work() as w:
        w.db.execute(daily.daily_counts.delete())
    assert "Users more than 5 New users" in console.open("").text


@pytest.mark.parametrize(
    ("role", "sections"),
    [
        ("admin", {"users", "audit", "keys", "settings"}),
        ("user-manager", {"users"}),
        ("app-manager", set[str]()),
        ("auditor", {"users", "audit", "keys", "settings"}),
    ],
)
def test_numbers_lead_only_where_the_role_may_go(
    browser: Browser, work: Work, installation: Installation, role: str, sections: set[str]
) -> None:
    with work() as w:
        user_id = make_user(w, "role@example.test", roles=(role,))
    sign_in_person(browser.client, installation, user_id, amr=TWO_FACTORS)
    count(work, timedelta(0), **{counters.SIGNED_IN: 1})
    shown = browser.open("/admin").html.partition("<main")[2]
    assert set(re.findall(r'href="/admin/(\w+)', shown)) == sections


def test_what_needs_attention_is_above_the_numbers(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the tests are not for production, and so the only thing to look at."""
    page = console.open("")
    assert "SIGNET_BCRYPT_COST Password hashes with cost 4 are quick to crack if they are stolen." in page.text
    assert "warnings about settings" in page.text
    monkeypatch.setattr(overview, "find_concerns", lambda *_: [])
    assert "Needs attention Nothing needs your attention." in console.open("").text


@pytest.fixture
def healthy(work: Work) -> health.Health:
    with work() as w:
        return health.look(w)


@pytest.fixture
def safe(settings: Settings) -> Settings:
    """On this machine alone, settings are not judged, as in `signet check`."""
    return settings.model_copy(update={"issuer": "http://localhost:8000"})


def test_a_healthy_installation_needs_no_attention(healthy: health.Health, safe: Settings) -> None:
    assert find_concerns(healthy, safe) == []


@pytest.mark.parametrize(
    ("change", "said", "leads_to"),
    [
        ({"revision": "0001"}, "The database is at revision 0001, but this server needs", "signet migrate"),
        ({"redis": False}, "Redis does not respond.", None),
        ({"processes": "web"}, "No worker is running.", "signet worker"),
        ({"processes": "old"}, "Servers run different versions: 0.1, ", None),
        ({"processes": "fast"}, "The clock of node-2 differs from the database's.", None),
        ({"late_since": True}, "Delivery is delayed.", "/admin/outbox?state=due"),
        (
            {"undelivered": [("mail", "failed", 1), ("mail", "due", 9)]},
            "Emails: 1 job failed",
            "/admin/outbox?state=failed&topic=mail",
        ),
        (
            {"undelivered": [("backchannel-ping", "failed", 1)]},
            "Approval on another device (CIBA): 1 job failed",
            "/admin/outbox?state=failed&topic=backchannel-ping",
        ),
        ({"undelivered": [("mail", "failed", 2)]}, "Emails: 2 jobs failed", "/admin/outbox?state=failed&topic=mail"),
        ({"doctor_problems": 2}, "The last diagnostics found 2 problems.", "/admin/doctor"),
        ({"keys": "late"}, "The RS256 key is overdue for rotation.", "/admin/keys"),
    ],
)
def test_each_trouble_is_named_with_where_to_look(
    healthy: health.Health, safe: Settings, work: Work, change: dict[str, Any], said: str, leads_to: str | None
) -> None:
    with work() as w:
        worker = processes.this_process(w, delivers=True)
        now = w.now
    groups = {
        "web": [replace(worker, delivers=False)],
        "old": [worker, replace(worker, version="0.1")],
        "fast": [worker, replace(worker, host="node-2", seconds_behind=-11.5)],
    }
    if "processes" in change:
        change = {"processes": groups[change["processes"]]}
    if "late_since" in change:
        change = {"late_since": now}
    if "keys" in change:
        change = {"keys": [replace(healthy.keys[0], is_late=True)]}
    (concern,) = find_concerns(replace(healthy, **change), safe)
    assert concern.text.startswith(said)
    assert (concern.url or concern.command) == leads_to


def test_dangerous_settings_come_first_and_lead_to_the_setting(healthy: health.Health, settings: Settings) -> None:
    found = find_concerns(healthy, settings.model_copy(update={"smtp_tls": "none", "smtp_host": "mail.example.com"}))
    assert [concern.is_urgent for concern in found] == sorted((c.is_urgent for c in found), reverse=True)
    assert "/admin/settings#SIGNET_SMTP_TLS" in [concern.url for concern in found if concern.is_urgent]


@pytest.mark.also_on_postgresql
def test_health_finds_what_is_late_and_what_failed(work: Work, clock: Clock, installation: Installation) -> None:
    with work() as w:
        job = messages.enqueue(w, "mail", {}, about="hello to ada@example.test")
        messages.enqueue(w, "webhook", {}, about="hello")

    def broken(*_: object) -> None:
        raise relay.PermanentFailure("550 unknown")

    relay.deliver(installation, job, {"mail": broken})
    clock.advance(timedelta(minutes=6))
    with work() as w:
        processes.note_running(w, processes.this_process(w, delivers=True))
        processes.note_running(w, replace(processes.this_process(w, delivers=False), host="node-2"))
    with work() as w:
        state = health.look(w)
    assert dict(state.failed) == {"mail": 1}
    assert state.late_since == clock() - timedelta(minutes=6)
    assert (state.has_worker, state.versions, len(state.processes)) == (True, [__version__], 2)
    assert state.revision == state.needed_revision
    assert re.fullmatch(r"(SQLite|PostgreSQL) \d+\.[\d.]+", state.database)
    clock.advance(timedelta(minutes=4))
    with work() as w:
        processes.note_running(w, replace(processes.this_process(w, delivers=False), host="node-2"))
    with work() as w:
        state = health.look(w)
        assert (state.has_worker, state.worker_seen_at) == (False, clock() - timedelta(minutes=4))
        assert not any(key.is_late for key in state.keys)
        clock.advance(w.settings.key_rotation + timedelta(days=2))
    with work() as w:
        state = health.look(w)
        assert all(key.is_late and key.share == 100 for key in state.keys)
        assert (state.processes, state.worker_seen_at) == ([], None)
