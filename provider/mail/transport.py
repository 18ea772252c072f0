"""Sends queued emails over SMTP: the handler of the outbox's topic `mail`.

The Message-ID comes from the outbox row. If a process dies before it records a sent email, the email is sent twice, and
mailboxes can recognise the copy. An email that the server rejects permanently (5xx) is not retried.
"""

import base64
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import idna

from provider.config.settings import Settings
from provider.outbox.relay import PermanentFailure, RetryPolicy, TemporaryFailure
from provider.work import Installation

RETRIES = RetryPolicy(attempts=106, longest_pause=timedelta(hours=1))
"""An email with a link is retried until it expires, any other for some four days (RFC 5321 section 4.5.4.1)."""
TIMEOUT = 10.0
"""The timeout for one step of the SMTP conversation, in seconds. All steps fit well into the relay's lease."""


def deliver(installation: Installation, promise_id: str, payload: dict[str, Any]) -> None:
    """Send one email: `to`, `subject`, `text`, `html`. Raises PermanentFailure or TemporaryFailure."""
    settings = installation.settings
    try:
        letter = _compose(settings, promise_id, payload)
        letter["Date"] = format_datetime(installation.clock())
    except ValueError as error:
        raise PermanentFailure("the letter's headers hold what no header may hold") from error
    with _conversation(settings, TIMEOUT) as server:
        try:
            server.send_message(letter)
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentFailure("the mail server does not support SMTPUTF8, which this address needs") from error


def greet(settings: Settings, *, timeout: float) -> None:
    """Connect and authenticate without sending an email. Raises as `deliver` does."""
    with _conversation(settings, timeout):
        pass


@contextmanager
def _conversation(settings: Settings, timeout: float) -> Iterator[smtplib.SMTP]:
    """Open an authenticated connection; turn SMTP errors into PermanentFailure or TemporaryFailure."""
    try:
        server = _connect(settings, timeout)
        try:
            if settings.smtp_user is not None and settings.smtp_password is not None:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            yield server
        finally:
            _leave(server)
    except smtplib.SMTPRecipientsRefused as error:
        # One recipient, so one verdict.
        code, reason = next(iter(error.recipients.values()))
        raise _failure(settings, code, reason) from error
    except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
        # About this installation and not about the email: it can leave once the settings are right.
        raise TemporaryFailure(_words(settings, error.smtp_code, error.smtp_error)) from error
    except smtplib.SMTPResponseException as error:
        raise _failure(settings, error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TemporaryFailure(
            f"no mail server: {type(error).__name__} {_masked(settings, str(error))}"[:300]
        ) from error


def _compose(settings: Settings, promise_id: str, payload: dict[str, Any]) -> EmailMessage:
    letter = EmailMessage(SMTP)
    letter["From"] = settings.smtp_from
    letter["To"] = _with_a_labels(payload["to"])
    letter["Subject"] = payload["subject"]
    letter["Message-ID"] = f"<{promise_id}@{_host(settings)}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no holiday notes in answer
    letter.set_content(payload["text"])
    letter.add_alternative(payload["html"], subtype="html")
    return letter


def _connect(settings: Settings, timeout: float) -> smtplib.SMTP:
    """Open a connection with the configured TLS mode, never less: without TLS on offer, `starttls` raises."""
    # Named, because smtplib would otherwise ask the DNS who we are, which can take longer than the letter.
    place: dict[str, Any] = {"local_hostname": _host(settings), "timeout": timeout}
    if settings.smtp_tls == "tls":
        context = _trust(settings)
        return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, context=context, **place)
    server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, **place)
    if settings.smtp_tls == "starttls":
        try:
            server.starttls(context=_trust(settings))
        except BaseException:
            server.close()
            raise
    return server


def _trust(settings: Settings) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of SIGNET_OUTBOUND_CA."""
    context = ssl.create_default_context()
    if settings.outbound_ca is not None:
        context.load_verify_locations(settings.outbound_ca)
    return context


def _leave(server: smtplib.SMTP) -> None:
    """Close the connection. Errors in response to QUIT are ignored: the email has its result and is not sent again."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _host(settings: Settings) -> str:
    return urlsplit(settings.issuer).hostname or "localhost"


def _with_a_labels(address: str) -> str:
    """Return the address with its domain in ASCII (RFC 5891), which every mail server understands."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as error:
        raise PermanentFailure("the domain of the address is not valid (RFC 5891)") from error


def _failure(settings: Settings, code: int, reason: bytes | str) -> Exception:
    """Return the failure for a reply to the message itself (RFC 5321 section 4.2.1, RFC 4954 section 6)."""
    about_us = code in {530, 534, 535, 538}  # authentication is required, or another kind of it
    kind = PermanentFailure if 500 <= code < 600 and not about_us else TemporaryFailure
    return kind(_words(settings, code, reason))


def _words(settings: Settings, code: int, reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return f"the mail server said {code} {_masked(settings, text)}"[:300]


def _masked(settings: Settings, text: str) -> str:
    """Return a server's words without our password, also as AUTH sends it: some servers repeat the command."""
    if settings.smtp_user is None or settings.smtp_password is None:
        return text
    user, password = settings.smtp_user, settings.smtp_password.get_secret_value()
    plain = f"\0{user}\0{password}"
    for secret in (base64.b64encode(plain.encode()).decode(), base64.b64encode(password.encode()).decode(), password):
        text = text.replace(secret, "********")
    return text
