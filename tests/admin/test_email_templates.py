"""The emails in the console: what they look like, whose template they have, and a test to oneself."""

from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update

from provider.accounts.store import email_addresses
from provider.config.settings import Settings
from provider.mail.samples import NAMES
from provider.work import Installation
from tests.admin.conftest import Console, events
from tests.support.browser import Page
from tests.support.deliveries import deliver_due
from tests.support.factories import make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.relying_party import TWO_FACTORS, sign_in_person

ADDRESS = "operator@example.test"


def send(console: Console, name: str = "reset_password", language: str = "de") -> Page:
    asked = console.open(f"/emails/{name}?language={language}")
    [form] = [form for form in asked.forms if form.action == f"/admin/emails/{name}/test"]
    return console.browser.submit({}, action=form.action)


def without_isolates(page: Page) -> str:
    return page.text.replace("\u2068", "").replace("\u2069", "")


def html_of(console: Console, name: str, query: str = "") -> httpx2.Response:
    return console.browser.client.get(f"/admin/emails/{name}/html{query}")


def test_every_email_is_listed_and_shown(console: Console) -> None:
    page = console.open("/emails")
    assert all(f'<code class="quiet">{name}</code>' in page.html for name in NAMES)
    assert "Reset your Signet password" in page.text
    for name in NAMES:
        assert console.open(f"/emails/{name}").status == 200
    shown = console.open("/emails/verify_email?language=fr")
    assert "Confirmez votre adresse e-mail" in shown.heading
    assert "123456" in shown.text
    assert shown.html.count("sandbox></iframe>") == 2
    assert console.open("/emails/nothing").status == 404
    assert html_of(console, "..%2Flayout").status_code == 404


def test_the_html_part_can_do_nothing(console: Console) -> None:
    """An operator's template can hold anything; it is shown on the console's origin."""
    light, dark = (html_of(console, "new_device", f"?scheme={scheme}") for scheme in ("light", "dark"))
    for answer in (light, dark):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "sandbox;" in policy
        assert "frame-ancestors 'self'" in policy
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert "prefers-color-scheme" not in answer.text
    assert "@media (max-width: 0)" in light.text
    assert "@media (min-width: 0)" in dark.text


def test_a_test_goes_to_ones_own_address(
    console: Console, work: Work, inbox: Inbox, installation: Installation
) -> None:
    page = send(console)
    assert page.path == "/admin/emails/reset_password"
    assert f"Test email sent to {ADDRESS}." in without_isolates(page)
    [letter] = inbox.letters(ADDRESS)
    assert letter.subject.startswith("Test: ")
    assert "Passwort" in letter.subject
    assert deliver_due(installation) >= 0
    [event] = events(work, "email.test_sent")
    assert (event["template"], event["language"]) == ("reset_password", "de")
    assert f"Test email {ADDRESS}" in without_isolates(console.open("/outbox"))


def test_tests_are_limited(console: Console, inbox: Inbox) -> None:
    for _ in range(20):
        assert send(console).status == 200
    refused = send(console)
    assert refused.status == 429
    assert "Too many" in refused.text
    assert len(inbox.letters(ADDRESS)) == 20


def test_an_unverified_address_gets_none(console: Console, work: Work, inbox: Inbox) -> None:
    console.open("/emails/reset_password")
    with work() as w:
        w.db.execute(update(email_addresses.email_addresses).values(verified_at=None))
    page = console.open("/emails/reset_password")
    assert "Verify your email address to send yourself a test." in page.text
    assert "Send test to me" not in page.text
    token = dict(console.open("/branding").forms[1].values())["csrf_token"]
    answer = console.browser.client.post("/admin/emails/reset_password/test", data={"csrf_token": token})
    assert answer.status_code == 409
    assert "Your account has no verified email address." in answer.text
    assert inbox.letters(ADDRESS) == []


def test_an_auditor_sees_them_and_sends_none(console: Console, work: Work, installation: Installation) -> None:
    with work() as w:
        auditor = make_user(w, "auditor@example.test", roles=("auditor",))
    sign_in_person(console.browser.client, installation, auditor, amr=TWO_FACTORS)
    assert "Send test to me" not in console.open("/emails/reset_password").text
    page = console.open("/branding")
    assert page.status == 200
    assert [form.action for form in page.forms if form.action == "/admin/branding"] == []


class TestWithOwnTemplates:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        own = (
            "{% extends layout %}{% set subject %}Welcome aboard{% endset %}{% set lead %}Hello{% endset %}"
            "{% block body %}<script>alert(1)</script>{% endblock %}"
        )
        (tmp_path / "verify_email.jinja").write_text(own)
        (tmp_path / "new_device.jinja").write_text("{{ nothing.like.this }}")
        return settings.model_copy(update={"email_templates": tmp_path})

    def test_they_are_shown_and_a_failing_one_is_named(self, console: Console) -> None:
        page = console.open("/emails")
        assert "Welcome aboard own template verify_email" in page.text
        assert "failing new_device" in page.text
        failing = console.open("/emails/new_device")
        assert "The template in SIGNET_EMAIL_TEMPLATES fails, so Signet's own is sent." in failing.text
        assert "'nothing' is undefined" in failing.text
        assert "New sign-in from Firefox on Linux" in failing.heading
        assert "Welcome aboard" in console.open("/emails/verify_email").heading
