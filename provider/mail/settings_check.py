"""Tests of the settings of email that send nothing, for `signet check`."""

import smtplib
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from provider.config.settings import Settings
from provider.languages.catalogs import LANGUAGES
from provider.mail.rendering import FOLDER, render_with
from provider.mail.samples import NAMES, VALUES
from provider.mail.smtp import authenticate, connect
from provider.outbound.client import Outbound
from provider.outbox.relay import PermanentFailure, TemporaryFailure

HOST, USER, SENDER, UTF8 = "SIGNET_SMTP_HOST", "SIGNET_SMTP_USER", "SIGNET_SMTP_FROM", "SIGNET_SMTP_UTF8"
TEMPLATES = "SIGNET_EMAIL_TEMPLATES"
FIXES = {
    HOST: "Check SIGNET_SMTP_HOST, SIGNET_SMTP_PORT and SIGNET_SMTP_TLS (often starttls on port 587, tls on 465)."
    " If a private authority issued the certificate, set SIGNET_OUTBOUND_CA",
    USER: "Check SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD, or SIGNET_SMTP_OAUTH_*",
    SENDER: "Set an email address that SIGNET_SMTP_USER may send from",
    TEMPLATES: "Correct the template. Until then, Signet's own is used",
    UTF8: "Remove SIGNET_SMTP_UTF8, or use a mail server that supports it",
}


@dataclass(frozen=True)
class Problem:
    """A setting that does not work: what the server said, and what to do. Without secrets."""

    setting: str
    said: str

    @property
    def fix(self) -> str:
        return FIXES[self.setting]


def check_settings(settings: Settings, outbound: Outbound, *, now: datetime, timeout: float) -> list[Problem]:
    """Connect with TLS, authenticate, and name the sender, as for an email; then reset. Returns what does not work."""
    problems, at = [], HOST
    try:
        with connect(settings, timeout=timeout) as server:
            server.ehlo_or_helo_if_needed()
            at = USER
            authenticate(server, settings, outbound, now=now)
            if settings.smtp_utf8 and not server.has_extn("smtputf8"):
                problems.append(Problem(UTF8, "the mail server does not support SMTPUTF8"))
            at = SENDER
            sender = parseaddr(settings.smtp_from)[1]
            code, said = server.mail(sender)
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, said, sender)
            server.rset()
    except (TemporaryFailure, PermanentFailure) as failure:
        problems.append(Problem(at, str(failure)))
    return problems


def check_templates(settings: Settings) -> list[Problem]:
    """Render every email with the operator's templates, in each language. Returns what does not work."""
    own = settings.email_templates
    if own is None:
        return []
    ours = {path.name for path in FOLDER.iterdir()}
    problems = [
        Problem(TEMPLATES, f"{path.name} is not the name of a template of Signet")
        for path in sorted(own.iterdir())
        if path.name not in ours
    ]
    for name in NAMES:
        for tag in settings.languages:
            try:
                render_with(own, settings, LANGUAGES[tag], name, **VALUES)
            except Exception as error:  # noqa: BLE001  # a template can raise anything
                problems.append(Problem(TEMPLATES, f"{name}.jinja in {LANGUAGES[tag].name}: {error}"))
    return problems
