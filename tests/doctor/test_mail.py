"""signet doctor on email: the domain of the sender, the mail server, and a test email."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provider.audit import store as audit
from provider.audit.events import Event
from provider.config.settings import Settings
from provider.doctor import mail
from provider.doctor.examination import Case
from provider.doctor.findings import Finding
from provider.doctor.mail import MAIL
from provider.doctor.mail_domain import judge_domain
from provider.outbox import store as outbox
from tests.mail.smtp_sink import Sink, smtp_sink
from tests.support.doctor import FakeResolver, FakeTransport, found_by, respond
from tests.support.installation import Work, settings_for
from tests.support.server_process import free_port

DOMAIN = "example.com"
Records = dict[tuple[str, str], list[str] | None]


def dkim_key(bits: int) -> str:
    der = (
        rsa.generate_private_key(65537, bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


FIT: Records = {
    (DOMAIN, "MX"): ["10 mx.example.com."],
    ("mx.example.com", "AAAA"): ["2001:db8::25"],
    (DOMAIN, "TXT"): ["v=spf1 include:mail.example -all", "some-other=1"],
    ("mail.example", "TXT"): ["v=spf1 ip4:198.51.100.0/24 ~all"],
    (f"_dmarc.{DOMAIN}", "TXT"): ["v=DMARC1; p=reject; rua=mailto:x@example.com"],
    (f"s1._domainkey.{DOMAIN}", "TXT"): ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
}


def judged(records: Records, domain: str = DOMAIN, selectors: tuple[str, ...] = ("s1",)) -> dict[str, Finding]:
    found = judge_domain(FakeResolver(known=records), domain, selectors)
    return {each.id: each for each in found if each.severity != "ok"}


def spf(record: str, **more: list[str]) -> Records:
    return {(DOMAIN, "TXT"): [record], **{(name.replace("_", "."), "TXT"): found for name, found in more.items()}}


def test_a_fit_domain_has_no_finding() -> None:
    assert judged(FIT) == {}


CHAIN: Records = {(f"s{at}.example", "TXT"): [f"v=spf1 include:s{at + 1}.example a -all"] for at in range(7)}


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({(DOMAIN, "MX"): []}, "mail.no-mx"),
        ({(DOMAIN, "MX"): ["0 ."]}, "mail.null-mx"),
        ({(DOMAIN, "MX"): ["10 gone.example.com."]}, "mail.mx-does-not-resolve"),
        ({(DOMAIN, "TXT"): ["some-other=1"]}, "mail.no-spf"),
        ({(DOMAIN, "TXT"): ["v=spf1 -all", "v=spf1 ~all"]}, "mail.several-spf"),
        (spf("v=spf1 +all"), "mail.spf-permits-all"),
        (spf("v=spf1 mx ?all"), "mail.spf-permits-all"),
        (spf("v=spf1 mx"), "mail.spf-has-no-end"),
        (spf("v=spf1 include:gone.example -all"), "mail.spf-include-is-missing"),
        ({**spf("v=spf1 include:s0.example -all"), **CHAIN, ("s7.example", "TXT"): ["v=spf1 -all"]},
         "mail.spf-too-many-lookups"),
        ({(f"_dmarc.{DOMAIN}", "TXT"): []}, "mail.no-dmarc"),
        ({(f"_dmarc.{DOMAIN}", "TXT"): ["v=DMARC1; p=none"]}, "mail.dmarc-only-watches"),
        ({(f"_dmarc.{DOMAIN}", "TXT"): ["v=DMARC1; rua=mailto:x@example.com"]}, "mail.dmarc-is-invalid"),
        ({(f"_dmarc.{DOMAIN}", "TXT"): ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "mail.dmarc-is-invalid"),
        ({(f"s1._domainkey.{DOMAIN}", "TXT"): []}, "mail.no-dkim"),
        ({(f"s1._domainkey.{DOMAIN}", "TXT"): ["v=DKIM1; p="]}, "mail.dkim-is-revoked"),
        ({(f"s1._domainkey.{DOMAIN}", "TXT"): ["v=DKIM1; p=%%"]}, "mail.dkim-key-is-weak"),
        ({(f"s1._domainkey.{DOMAIN}", "TXT"): [dkim_key(1024)]}, "mail.dkim-key-is-weak"),
    ],
)  # fmt: skip
def test_a_broken_record_is_named(broken: Records, name: str) -> None:
    assert list(judged({**FIT, **broken})) == [name]


def test_a_domain_that_does_not_exist_is_named() -> None:
    assert list(judged({})) == ["mail.domain-does-not-exist"]


def test_a_redirect_that_leads_in_a_circle_ends() -> None:
    assert judged({**FIT, **spf(f"v=spf1 redirect={DOMAIN}")}) == {}


def test_the_policy_of_the_domain_above_counts_for_a_subdomain() -> None:
    """RFC 7489 section 6.6.3."""
    records: Records = {
        **FIT,
        ("id.example.com", "MX"): ["10 mx.example.com."],
        ("id.example.com", "TXT"): ["v=spf1 -all"],
        (f"_dmarc.{DOMAIN}", "TXT"): ["v=DMARC1; p=reject; sp=none"],
    }
    assert list(judged(records, "id.example.com", ())) == ["mail.dmarc-only-watches", "mail.dkim-not-found"]


class TestSettings:
    @pytest.fixture
    def sink(self) -> Iterator[Sink]:
        with smtp_sink() as sink:
            yield sink

    @pytest.fixture
    def settings(self, database_url: str, sink: Sink) -> Settings:
        return settings_for(database_url, smtp_port=sink.port, smtp_from=f"Signet <id@{DOMAIN}>", smtp_host="127.0.0.1")

    def test_an_outage_of_the_dns_is_unknown(self, case: Case) -> None:
        away = replace(case, resolver=FakeResolver(known={(DOMAIN, "MX"): None}))
        assert [each.severity for each in found_by(away, MAIL[:1]).values()] == ["unknown"]
        fit = replace(case, resolver=FakeResolver(known=FIT), dkim_selectors=("s1",))
        assert found_by(fit, MAIL) == {}

    def test_a_mail_server_that_is_away_is_unknown(self, case: Case) -> None:
        settings = case.settings.model_copy(update={"smtp_port": free_port()})
        away = replace(case, installation=replace(case.inside, settings=settings))
        assert {each.id: each.severity for each in found_by(away, MAIL[1:2]).values()} == {
            "mail.server-does-not-answer": "unknown"
        }

    def test_a_mail_server_that_refuses_the_sender_is_named(self, case: Case, sink: Sink) -> None:
        settings = case.settings.model_copy(update={"smtp_utf8": True})
        doubtful = replace(case, installation=replace(case.inside, settings=settings))
        found = found_by(doubtful, MAIL[1:2])
        assert set(found) <= {"mail.server-refuses"}

    def test_a_test_email_is_sent_only_if_it_is_asked_for(
        self, case: Case, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail, "DELIVERED_WITHIN", 0.01)
        assert found_by(case, MAIL[2:]) == {}
        with work() as w:
            assert outbox.count_undelivered(w.read) == []
        asked = replace(case, test_email_to="ada@example.com")
        assert list(found_by(asked, MAIL[2:])) == ["mail.test-is-waiting"]
        with work() as w:
            assert [message.about for message in outbox.find(w.read, limit=5)] == ["test_email to ada@example.com"]
            assert Event.TEST_EMAIL_SENT in {event.name for event in audit.find(w.read, limit=5)}

    def test_a_test_email_that_fails_is_named_with_the_reason(
        self, case: Case, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = outbox.find_one

        def failed(db: Any, message_id: str) -> Any:
            message = real(db, message_id)
            assert message is not None
            return replace(message, state=outbox.DeliveryState.FAILED, error="550 no such user")

        monkeypatch.setattr(outbox, "find_one", failed)
        (finding,) = found_by(replace(case, test_email_to="ada@example.com"), MAIL[2:]).values()
        assert finding.id == "mail.test-was-not-sent"
        assert "550 no such user" in finding.what

    def test_a_test_email_that_the_mailbox_of_the_demo_does_not_have_is_named(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent = replace(case, test_email_to="ada@example.com", transport=FakeTransport(lambda *_: respond(404)))
        real = outbox.find_one

        def delivered(db: Any, message_id: str) -> Any:
            message = real(db, message_id)
            assert message is not None
            return replace(message, state=outbox.DeliveryState.SENT)

        monkeypatch.setattr(outbox, "find_one", delivered)
        monkeypatch.setattr(mail, "_demo_mailbox", lambda _settings: "http://localhost:8025")
        assert list(found_by(sent, MAIL[2:])) == ["mail.test-did-not-arrive"]
        monkeypatch.setattr(mail, "_demo_mailbox", lambda _settings: None)
        assert found_by(sent, MAIL[2:]) == {}
