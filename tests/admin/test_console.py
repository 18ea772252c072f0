"""The console's other sections: overview, keys, sessions, audit log, outbox, webhooks, refusals, settings."""

import json
import re
from datetime import timedelta

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from provider.accounts import profile
from provider.config.settings import Settings
from provider.oauth.keys import rotation
from provider.outbox import messages, store
from tests.admin.conftest import Console, events
from tests.support.browser import Browser
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.people import sign_in


def test_keys_are_rotated_retired_and_revoked(console: Console, work: Work, clock: Clock, client: TestClient) -> None:
    def of(state: str) -> list[str]:
        with work() as w:
            return [key.kid for key in rotation.list_keys(w) if key.alg == "RS256" and key.state == state]

    (first,) = of("current")
    console.open("/keys")
    console.act(f"/keys/key/rotate?kid={first}")  # there was no upcoming key yet: it is published
    (second,) = of("upcoming")
    page = console.act(f"/keys/key/rotate?kid={first}")
    assert page.status == 409
    assert "It can sign from" in page.text
    page = console.act(f"/keys/key/retire?kid={first}", why="moved")
    assert "Key rotated. The next key is in use." in page.text
    assert (of("current"), of("retired")) == ([second], [first])
    page = console.act(f"/keys/key/revoke?kid={second}", why="leaked")
    assert "Key revoked." in page.text
    assert second not in client.get("/oauth2/jwks").text
    assert events(work, "key.revoked")[0]["why"] == "leaked"
    assert console.open("/keys/key/revoke?kid=nothing").status == 404


@pytest.mark.also_on_postgresql
def test_sessions_of_everybody_are_listed_and_end(console: Console, work: Work, phone: Browser) -> None:
    with work() as w:
        make_user(w)
    sign_in(phone)
    page = console.open("/sessions")
    assert "ada@example.test" in page.text
    assert "operator@example.test" in page.text
    row = re.search(r'ada@example\.test.*?href="(/admin/users/[^"]+/end-session\?session=[^"]+)"', page.html, re.DOTALL)
    assert row
    console.act(row[1].removeprefix("/admin"))
    assert phone.open("/account").path == "/login"
    assert "ada@example.test" not in console.open("/sessions").text


@pytest.mark.also_on_postgresql
def test_the_audit_log_is_narrowed_paged_and_taken_along(console: Console, work: Work, clock: Clock) -> None:
    with work() as w:
        ada = make_user(w, name="=cmd()")
    for number in range(59):
        with work() as w:
            profile.change_name(w, user_id=ada, name=f"Ada {number}")
    console.act(f"/users/{ada}/name", why="=1+1", name="Ada Lovelace")
    page = console.open("/audit?user=ada@example.test&name=account.profile.*")
    assert page.text.count("account.profile.changed") >= 50
    assert "account.created" not in page.text.replace(page.text[: page.text.find("Apply filters")], "")
    rest = console.browser.follow("Next page")
    assert rest.html.count('<code class="quiet" lang="en">account.profile.changed</code>') == 10
    assert console.open("/audit?user=nobody@example.test").html.count('<code class="quiet" lang="en">account.') == 0
    assert "Enter a date, for example 2026-11-21." in console.open("/audit?since=yesterday").text
    today = clock().date().isoformat()
    tomorrow = (clock() + timedelta(days=1)).date().isoformat()
    assert (
        console.open(f"/audit?since={today}&until={today}&name=account.created").html.count(
            '<code class="quiet" lang="en">account.cr'
        )
        == 2
    )
    assert (
        console.open(f"/audit?since={tomorrow}&name=account.created").html.count(
            '<code class="quiet" lang="en">account.cr'
        )
        == 0
    )
    exported = console.browser.client.get("/admin/audit/export.csv?name=account.profile.changed").text
    assert exported.count("account.profile.changed") == 60
    lines = console.browser.client.get("/admin/audit/export.jsonl?name=account.*").text.splitlines()
    assert len(lines) == 62
    assert json.loads(lines[0])["details"]["why"] == "=1+1"
    assert console.open("/audit/export.xlsx").status == 404


def test_a_failed_email_is_retried_or_cancelled(console: Console, work: Work) -> None:
    with work() as w:
        for who in ("ada", "grace"):
            messages.enqueue(w, "mail", {"to": who}, about=f"new_device to {who}@example.test")
        for promise_id, _ in store.find_due(w.db, now=w.now, limit=9):
            store.claim(w.db, promise_id, now=w.now, lease_until=w.now)
            store.mark_failed(w.db, promise_id, attempt=1, error="550 <b>no</b>")
    page = console.open("/outbox?state=failed&about=grace")
    assert "550 <b>no</b>" in page.text
    assert "New device grace@example.test" in page.text
    assert "ada@example.test" not in page.text
    console.act(page.links[next(words for words in page.links if words.startswith("Retry"))].removeprefix("/admin"))
    page = console.open("/outbox?state=failed")
    assert "grace@" not in page.text
    page = console.act(
        page.links[next(words for words in page.links if words.startswith("Cancel job"))].removeprefix("/admin")
    )
    assert "Job canceled." in page.text
    with work() as w:
        states = {promise.about: (promise.state, promise.payload is None) for promise in store.find(w.read)}
    assert states == {
        "new_device to ada@example.test": ("cancelled", True),
        "new_device to grace@example.test": ("due", False),
    }


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"smtp_password": SecretStr("hunter2hunter2"), "brand": "Acme"})


def test_webhooks_are_made_changed_over_and_told_again(console: Console, work: Work) -> None:
    page = console.open("/webhooks")
    page = console.browser.submit({"url": "http://127.0.0.1/", "Events": "account.*"})
    assert page.status == 400
    assert 'href="#url"' in page.html
    page = console.browser.submit({"url": "https://hooks.example.test/", "Events": "nothing"})
    assert 'href="#events"' in page.html, page
    page = console.browser.submit({"url": "https://hooks.example.test/", "Events": "account.*\r\nsession.*"})
    assert re.search(r"whsec_[\w+/=]+", page.text)
    page = console.browser.follow("I've saved it")
    made = re.search(r"/admin/webhooks/([\w-]+)/replay", page.html)
    assert made
    here = f"/webhooks/{made[1]}"
    assert re.search(r"whsec_[\w+/=]+", console.act(f"{here}/rotate-secret").text)
    assert console.act(f"{here}/replay", hours="٣").status == 400
    assert "Events queued for replay." in console.act(f"{here}/replay", hours="2").text
    with work() as w:
        assert any("account.created" in promise.about for promise in store.find(w.read, topic="webhook"))
    for act, word in (("disable", "disabled"), ("enable", "enabled"), ("delete", "deleted")):
        assert f"Webhook {word}." in console.act(f"{here}/{act}", why="test").text
    assert "No webhooks yet. Add one to send audit events to another system." in console.open("/webhooks").text


def test_refusals_are_listed_and_explained(console: Console, client: TestClient) -> None:
    answer = client.post("/oauth2/token", data={"grant_type": "password", "client_id": "no<b>body"})
    page = console.open("/explain")
    assert "invalid_client" in page.text
    assert "application no<b>body" in page.text
    page = console.browser.follow(answer.json()["error_id"])
    assert "✗ The client is registered" in page.text
    assert "invalid_client" not in console.open("/explain?client=another").text


def test_settings_are_shown_as_they_are_in_force_and_secrets_are_not(console: Console, settings: Settings) -> None:
    page = console.open("/settings")
    assert "SIGNET_BRAND changed Acme" in page.text
    assert "SIGNET_SMTP_PASSWORD changed set, not shown" in page.text
    assert settings.secret_keys
    for secret in ("hunter2", *settings.secret_keys):
        assert secret not in page.html
    groups = re.findall(r'<h2 id="[a-z-]+" lang="en">(.+?)</h2>', page.html)
    assert groups == [section.title for section in Settings.sections()]
