"""Sends queued emails over SMTP: the handler of the outbox's topic `mail`.

Each call tries once: `outbox.relay` retries, for as long as RETRIES says. An email that the server rejects permanently
(5xx) is not retried.

The Message-ID comes from the outbox row. If a process dies before it records a sent email, the email is sent twice, and
mailboxes can recognize the copy.
"""

import smtplib
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import idna

from provider.config.settings import Settings
from provider.mail.smtp import authenticate, connect, ehlo_name
from provider.outbox.relay import PermanentFailure, RetryPolicy
from provider.work import Installation

RETRIES = RetryPolicy(attempts=106, longest_pause=timedelta(hours=1))
"""An email with a link is retried until it expires, any other for some four days (RFC 5321 section 4.5.4.1)."""
TIMEOUT = 10.0
"""The timeout for one step of an SMTP connection, in seconds."""
MOST = 45.0
"""How many seconds an email may take in all: the reply to the message gets what is left. Even one step longer, it
is not interrupted by the queue.
"""


def deliver(installation: Installation, message_id: str, payload: dict[str, Any]) -> None:
    """Send one email: `to`, `subject`, `text`, `html`. Raises PermanentFailure, TemporaryFailure or OutcomeUnknown."""
    settings = installation.settings
    try:
        email = _compose(settings, message_id, payload)
        email["Date"] = format_datetime(installation.clock())
    except ValueError as error:
        raise PermanentFailure("a header of the email contains characters that are not allowed") from error
    is_sent = False
    try:
        with connect(settings, timeout=TIMEOUT, most=MOST) as server:
            authenticate(server, settings, installation.outbound, now=installation.clock())
            try:
                server.send_message(email)
            except smtplib.SMTPNotSupportedError as error:
                raise PermanentFailure("the mail server does not support SMTPUTF8, which this address needs") from error
            is_sent = True
    except BaseException:  # an interruption after the server has taken the email would send it again
        if not is_sent:
            raise


def _compose(settings: Settings, message_id: str, payload: dict[str, Any]) -> EmailMessage:
    email = EmailMessage(SMTP)
    email["From"] = settings.smtp_from
    if settings.smtp_reply_to is not None:
        email["Reply-To"] = settings.smtp_reply_to
    email["To"] = _with_a_labels(payload["to"])
    email["Subject"] = payload["subject"]
    email["Message-ID"] = f"<{message_id}@{ehlo_name(settings)}>"
    email["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no holiday notes in answer
    email.set_content(payload["text"])
    email.add_alternative(payload["html"], subtype="html")
    return email


def _with_a_labels(address: str) -> str:
    """Return the address with its domain in ASCII (RFC 5891), which every mail server understands."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise PermanentFailure("the domain of the address is not valid (RFC 5891)") from error
