"""Connections to the mail server (RFC 5321): TLS, authentication, and what the server's replies mean."""

import base64
import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from provider.config.settings import Settings
from provider.mail.access_tokens import TOKENS, redact, secrets_of
from provider.outbound.client import Outbound
from provider.outbox.relay import OutcomeUnknown, PermanentFailure, TemporaryFailure

MAX_REASON = 300
DEMO_MAILBOX = "Signet demo mailbox"
"""How the mail server of the demo greets, followed by the URL of the mailbox."""


FAREWELL = 3.0
"""How many seconds the reply to QUIT may take."""


class Client(smtplib.SMTP):
    """A connection that waits longer for the reply to a message than for others (RFC 5321 section 4.5.3.2.6)."""

    until: float | None = None
    """When the reply to the message must be here, on the monotonic clock. None: each step has the same time."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send the message, as bytes with CRLF. Raises as smtplib does, TemporaryFailure if too little time is left to
        begin, and OutcomeUnknown without a reply to the message: the server may have it (RFC 1047).
        """
        step = self.timeout
        if self.until is not None and self.until - time.monotonic() < 2 * step:  # for two replies
            raise TemporaryFailure("the mail server took too long before the message was sent")
        code, reply = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, reply)
        self.send(re.sub(rb"(?m)^\.", b"..", msg) + b".\r\n")
        assert self.sock is not None  # noqa: S101  # it has just sent something
        self.sock.settimeout(step if self.until is None else max(step, self.until - time.monotonic()))
        try:
            return self.getreply()
        except smtplib.SMTPServerDisconnected as error:
            raise OutcomeUnknown("the mail server got the message and did not reply") from error


class TlsClient(Client, smtplib.SMTP_SSL):
    """A connection like `Client` that uses TLS from the first byte."""


@contextmanager
def connect(settings: Settings, *, timeout: float, most: float | None = None) -> Iterator[Client]:
    """Open a connection with the configured TLS mode. `timeout` is for each step, in seconds. With `most`, the reply to
    the message may take the rest of so many seconds.

    SMTP errors, also those of the caller's block, become PermanentFailure or TemporaryFailure.
    """
    until = None if most is None else time.monotonic() + most
    try:
        server = _open(settings, timeout)
        server.until = until
        try:
            yield server
        finally:
            _quit(server)
    except smtplib.SMTPRecipientsRefused as error:
        # One recipient, so one verdict.
        code, reason = next(iter(error.recipients.values()))
        raise _failure(settings, code, reason) from error
    except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
        # About this installation and not about the email: it can leave once the settings are right.
        raise TemporaryFailure(_describe(settings, error.smtp_code, error.smtp_error)) from error
    except smtplib.SMTPResponseException as error:
        raise _failure(settings, error.smtp_code, error.smtp_error) from error
    except ssl.SSLCertVerificationError as error:
        raise TemporaryFailure(
            f"the certificate of the mail server is not trusted: {error.verify_message}"[:MAX_REASON]
        ) from error
    except ssl.SSLError as error:
        raise TemporaryFailure(f"TLS with the mail server failed: {error.reason}"[:MAX_REASON]) from error
    except (smtplib.SMTPException, OSError) as error:
        why = _redact(settings, error.strerror or f"{type(error).__name__} {error}")[:MAX_REASON]
        raise TemporaryFailure(f"cannot reach the mail server ({why})") from error


def ehlo_name(settings: Settings) -> str:
    """Return the name with which we greet: the host of the issuer."""
    return urlsplit(settings.issuer).hostname or "localhost"


def authenticate(server: smtplib.SMTP, settings: Settings, outbound: Outbound, *, now: datetime) -> None:
    """Authenticate as the settings say, with a password, an access token, or not at all. Raises as smtplib does, and
    TemporaryFailure without an access token.

    A cached token that the server refuses is replaced once: it may have been revoked before its time.
    """
    user = settings.smtp_user
    if user is None:
        return
    if settings.smtp_password is not None:
        server.login(user, settings.smtp_password.get_secret_value())
        return
    while True:
        token, is_new = TOKENS.get(settings, outbound, now=now)
        try:
            _authenticate_with_token(server, settings, user, token)
        except smtplib.SMTPAuthenticationError:
            TOKENS.forget(settings, token)
            if is_new:
                raise
        else:
            return


def _authenticate_with_token(server: smtplib.SMTP, settings: Settings, user: str, token: str) -> None:
    """Authenticate with an access token: OAUTHBEARER (RFC 7628) where it is offered, else XOAUTH2."""
    server.ehlo_or_helo_if_needed()
    offered = server.esmtp_features.get("auth", "").upper().split()
    if "OAUTHBEARER" in offered:
        mechanism, end = "OAUTHBEARER", "\x01"
        name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
        where = f"host={settings.smtp_host}\x01port={settings.smtp_port}"
        message = f"n,a={name},\x01{where}\x01auth=Bearer {token}\x01\x01"
    elif "XOAUTH2" in offered:
        mechanism, end = "XOAUTH2", ""
        message = f"user={user}\x01auth=Bearer {token}\x01\x01"
    else:
        raise TemporaryFailure("the mail server offers neither OAUTHBEARER nor XOAUTH2, so no access token can be used")
    reasons: list[bytes] = []

    def answer(challenge: bytes | None = None) -> str:
        """Return our message, then what ends the exchange after the server sent the reason for its refusal."""
        if challenge is None:
            return message
        reasons.append(challenge)
        return end

    try:
        server.auth(mechanism, answer)
    except smtplib.SMTPAuthenticationError as refused:
        said = b" ".join([refused.smtp_error if isinstance(refused.smtp_error, bytes) else b"", *reasons])
        words = said.decode("utf-8", "replace")
        for secret in (token, base64.b64encode(message.encode()).decode()):
            words = words.replace(secret, "********")
        raise smtplib.SMTPAuthenticationError(refused.smtp_code, words) from refused


def _open(settings: Settings, timeout: float) -> Client:
    """Open a connection with the configured TLS mode, never less: without TLS on offer, `starttls` raises."""
    # Named, because smtplib would otherwise ask the DNS who we are, which can take longer than the email.
    options: dict[str, Any] = {"local_hostname": ehlo_name(settings), "timeout": timeout}
    if settings.smtp_tls == "tls":
        context = _tls_context(settings)
        return TlsClient(settings.smtp_host, settings.smtp_port, context=context, **options)
    server = Client(settings.smtp_host, settings.smtp_port, **options)
    if settings.smtp_tls == "starttls":
        try:
            server.starttls(context=_tls_context(settings))
        except BaseException:
            server.close()
            raise
    return server


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and those of SIGNET_OUTBOUND_CA."""
    context = ssl.create_default_context()
    if settings.outbound_ca is not None:
        context.load_verify_locations(settings.outbound_ca)
    return context


def _quit(server: smtplib.SMTP) -> None:
    """Close the connection. Errors in response to QUIT are ignored: the email has its result and is not sent again."""
    try:
        with suppress(smtplib.SMTPException, OSError):
            if server.sock is not None:
                server.sock.settimeout(FAREWELL)
            server.quit()
    finally:
        server.close()


def _failure(settings: Settings, code: int, reason: bytes | str) -> Exception:
    """Return the failure for a reply to the message itself (RFC 5321 section 4.2.1, RFC 4954 section 6)."""
    about_login = code in {530, 534, 535, 538}  # authentication is required, or another kind of it
    kind = PermanentFailure if 500 <= code < 600 and not about_login else TemporaryFailure
    return kind(_describe(settings, code, reason))


def _describe(settings: Settings, code: int, reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return f"the mail server replied {code} {_redact(settings, text)}"[:MAX_REASON]


def _redact(settings: Settings, text: str) -> str:
    """Return a server's words without our secrets, also as AUTH sends them: some servers repeat the command."""
    secrets = secrets_of(settings)
    if settings.smtp_user is not None and settings.smtp_password is not None:
        password = settings.smtp_password.get_secret_value()
        plain = f"\0{settings.smtp_user}\0{password}"
        secrets += (base64.b64encode(plain.encode()).decode(), base64.b64encode(password.encode()).decode(), password)
    return redact(text, secrets)
