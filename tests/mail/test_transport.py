"""Emails leave over SMTP; a refusal for good is told from one for now (RFC 5321 section 4.2.1)."""

import dataclasses
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from provider.database.base import new_id
from provider.mail import smtp, transport
from provider.outbox.relay import OutcomeUnknown, PermanentFailure, TemporaryFailure
from provider.work import Installation
from tests.mail.smtp_sink import Sink, smtp_sink

EMAIL = {
    "to": "zoë@example.test",
    "subject": "Grüße",
    "text": "Hello\nhttps://id.example.test/x",
    "html": "<p>Hello</p>",
}
PLAIN = {**EMAIL, "to": "ada@example.test"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink(enable_SMTPUTF8=True) as sink:
        yield sink


def to_port(installation: Installation, port: int, **changes: Any) -> Installation:
    update = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "Signet <no-reply@example.test>", **changes}
    return dataclasses.replace(installation, settings=installation.settings.model_copy(update=update))


def test_an_email_arrives_with_both_texts_and_the_headers_of_an_automatic_one(
    installation: Installation, sink: Sink
) -> None:
    message_id = new_id()
    transport.deliver(to_port(installation, sink.port), message_id, PLAIN)
    (email,) = sink.emails
    assert (email["To"], email["Subject"]) == ("ada@example.test", "Grüße")
    assert email["Auto-Submitted"] == "auto-generated"  # RFC 3834 section 5
    assert email["Message-ID"] == f"<{message_id}@id.example.test>"
    assert email["Date"]
    plain, html = email.get_body(("plain",)), email.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "https://id.example.test/x" in plain.get_content()
    assert "<p>Hello</p>" in html.get_content()


def test_an_email_sent_twice_has_the_same_message_id(installation: Installation, sink: Sink) -> None:
    message_id = new_id()
    for _ in range(2):
        transport.deliver(to_port(installation, sink.port), message_id, PLAIN)
    assert len({email["Message-ID"] for email in sink.emails}) == 1


def test_replies_go_where_the_setting_says(installation: Installation, sink: Sink) -> None:
    """RFC 5322 section 3.6.2."""
    for reply_to in ('"Support, Acme" <help@example.test>', None):
        there = to_port(installation, sink.port, smtp_reply_to=reply_to)
        transport.deliver(there, new_id(), PLAIN)
    assert [email["Reply-To"] for email in sink.emails] == ['"Support, Acme" <help@example.test>', None]


def test_an_address_that_is_not_ascii_is_written_to(installation: Installation, sink: Sink) -> None:
    transport.deliver(to_port(installation, sink.port), new_id(), {**PLAIN, "to": "zoë@example.test"})
    assert len(sink.emails) == 1


@pytest.mark.parametrize("typed", ["ada@bücher.example", "ada@xn--bcher-kva.example", "ada@straße.example"])
def test_a_domain_goes_out_as_a_labels(installation: Installation, typed: str) -> None:
    """RFC 5891: also to a server without SMTPUTF8."""
    with smtp_sink(enable_SMTPUTF8=False) as plain:
        transport.deliver(to_port(installation, plain.port), new_id(), {**PLAIN, "to": typed})
    (email,) = plain.emails
    assert email["To"].startswith("ada@xn--")
    assert "ß" not in email["To"]


def test_a_server_without_smtputf8_refuses_such_a_local_part_for_good(installation: Installation) -> None:
    """RFC 6531 section 3.4."""
    with smtp_sink(enable_SMTPUTF8=False) as plain, pytest.raises(PermanentFailure, match="does not support SMTPUTF8"):
        transport.deliver(to_port(installation, plain.port), new_id(), EMAIL)


def test_a_reply_about_the_login_is_temporary_and_shown_without_the_password(
    installation: Installation, sink: Sink
) -> None:
    """RFC 4954 section 6: the email is not at fault."""
    sink.answer = "530 5.7.0 Authentication required for hunter2hunter2 by AGFkYQBodW50ZXIyaHVudGVyMg=="
    there = to_port(installation, sink.port)
    known = there.settings.model_copy(update={"smtp_user": "ada", "smtp_password": SecretStr("hunter2hunter2")})
    words = smtp._describe(known, 535, sink.answer)
    assert "Authentication required" in words
    assert "hunter2" not in words
    assert "AGFkYQBodW50ZXIyaHVudGVyMg==" not in words
    with pytest.raises(TemporaryFailure, match="Authentication required"):
        transport.deliver(there, new_id(), PLAIN)


@pytest.mark.parametrize(("answer", "failure"), [("550 no", PermanentFailure), ("451 later", TemporaryFailure)])
def test_what_the_server_says_decides_whether_to_try_again(
    installation: Installation, sink: Sink, answer: str, failure: type[Exception]
) -> None:
    sink.answer = answer
    with pytest.raises(failure, match=answer):
        transport.deliver(to_port(installation, sink.port), new_id(), PLAIN)


def test_no_server_is_worth_another_attempt(installation: Installation) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(TemporaryFailure, match="cannot reach the mail server"):
            transport.deliver(to_port(installation, held.getsockname()[1]), new_id(), PLAIN)


def test_a_server_that_accepts_and_says_nothing_is_given_up(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TemporaryFailure):
        transport.deliver(to_port(installation, silent.getsockname()[1]), new_id(), PLAIN)


def test_the_reply_to_a_message_may_take_longer_than_other_steps(
    installation: Installation, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 5321 section 4.5.3.2.6."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.3)
    sink.thinks_for = 0.6
    lines = {**PLAIN, "text": "first\n.\n..two\n.three"}
    transport.deliver(to_port(installation, sink.port), new_id(), lines)
    body = sink.emails[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == lines["text"].split()


def test_without_a_reply_to_the_message_the_outcome_is_unknown(
    installation: Installation, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 1047."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    monkeypatch.setattr(transport, "MOST", 0.9)
    sink.thinks_for = 1.5
    with pytest.raises(OutcomeUnknown, match="got the message and did not reply"):
        transport.deliver(to_port(installation, sink.port), new_id(), PLAIN)
    assert len(sink.emails) == 1


def test_no_message_is_sent_whose_reply_could_not_be_awaited(
    installation: Installation, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST", transport.TIMEOUT / 2)
    with pytest.raises(TemporaryFailure, match="took too long"):
        transport.deliver(to_port(installation, sink.port), new_id(), PLAIN)
    assert sink.emails == []


def test_an_interruption_after_the_server_took_the_email_does_not_send_it_again(
    installation: Installation, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interruption(BaseException): ...

    def interrupted(*_: object) -> None:
        raise Interruption

    monkeypatch.setattr(smtp.Client, "quit", interrupted)
    transport.deliver(to_port(installation, sink.port), new_id(), PLAIN)
    assert len(sink.emails) == 1
    sink.answer = "451 later"
    with pytest.raises(Interruption):
        transport.deliver(to_port(installation, sink.port), new_id(), PLAIN)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_without_the_tls_that_was_asked_for_nothing_is_sent(installation: Installation, sink: Sink, tls: str) -> None:
    with pytest.raises(TemporaryFailure):
        transport.deliver(to_port(installation, sink.port, smtp_tls=tls), new_id(), PLAIN)
    assert sink.emails == []


def test_a_line_break_in_a_header_is_refused(installation: Installation, sink: Sink) -> None:
    with pytest.raises(PermanentFailure):
        transport.deliver(
            to_port(installation, sink.port), new_id(), {**PLAIN, "subject": "x\r\nBcc: all@example.test"}
        )
    assert sink.emails == []
