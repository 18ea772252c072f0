"""Examinations of email: the domain of the sender, the mail server, and a test email if the operator asks for one."""

import re
import smtplib
import time
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from provider.audit.events import Event
from provider.audit.log import record
from provider.config.settings import Settings
from provider.doctor.examination import Case, Examination, Group, Needs
from provider.doctor.findings import Finding, fine, problem, unknown
from provider.doctor.mail_domain import judge_domain
from provider.doctor.transport import Unreachable
from provider.languages.catalogs import LANGUAGES
from provider.mail.rendering import render
from provider.mail.samples import values_of
from provider.mail.settings_check import HOST, check_settings
from provider.mail.smtp import DEMO_MAILBOX, ehlo_name
from provider.outbox import messages
from provider.outbox import store as outbox
from provider.outbox.store import DeliveryState
from provider.outbox.topics import Topic
from provider.urls import is_loopback
from provider.work import Origin, unit_of_work

STEP = 3.0
"""The timeout for each step with the mail server, in seconds."""
DELIVERED_WITHIN = 30.0
"""How long to wait for the worker to deliver a test email, in seconds."""
TEMPLATE = "password_changed"
"""The email that is sent as a test: it has no code and no link."""

NOT_REACHED = unknown(
    "mail.server-does-not-answer",
    why="Emails wait in the queue until the mail server answers.",
    fix="Check SIGNET_SMTP_HOST, SIGNET_SMTP_PORT and SIGNET_SMTP_TLS, and that the mail server runs.",
    section="docs/operate/configure.md",
)
REFUSED = problem(
    "mail.server-refuses",
    why="No email leaves: users cannot verify addresses or reset passwords.",
    fix="Check SIGNET_SMTP_USER and SIGNET_SMTP_PASSWORD, and that this user may send from SIGNET_SMTP_FROM.",
    section="docs/operate/configure.md",
)
NOT_SENT = problem(
    "mail.test-was-not-sent",
    why="Other emails fail in the same way.",
    fix="Read the reason here, or with `signet outbox list --topic mail`.",
    section="docs/operate/troubleshoot.md",
)
NOT_ARRIVED = problem(
    "mail.test-did-not-arrive",
    why="The mail server took the email, and the mailbox does not have it.",
    fix="Start the demo again.",
    section="docs/start/demo.md",
)
STILL_WAITING = problem(
    "mail.test-is-waiting",
    why="Emails are delivered by the worker. None seems to run, or it is far behind.",
    fix="Check that `signet worker` is running. The test email stays in the queue.",
    section="docs/operate/troubleshoot.md",
)


def _domain(case: Case) -> Iterator[Finding]:
    domain = parseaddr(case.settings.smtp_from)[1].rpartition("@")[2].lower()
    if "." not in domain or is_loopback(domain):
        return  # a demo, or a machine of its own; `signet check` warns about it
    yield from judge_domain(case.resolver, domain, case.dkim_selectors, smtp_host=case.settings.smtp_host)


def _server(case: Case) -> Iterator[Finding]:
    settings = case.settings
    problems = check_settings(settings, case.inside.outbound, now=case.now(), timeout=STEP)
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    for each in problems:
        kind = NOT_REACHED if each.setting == HOST else REFUSED
        yield kind.found(f"{where}: {each.said} ({each.setting}).")
    if not problems:
        yield fine("mail.server", f"{where} accepts emails from {settings.smtp_from}.")


def _test_email(case: Case) -> Iterator[Finding]:
    to = case.test_email_to or ""
    settings = case.inside.effective_settings
    language = LANGUAGES[settings.languages[0]]
    email = render(settings, language, TEMPLATE, **values_of(settings))
    with unit_of_work(case.inside, Origin()) as work:
        payload = {"to": to, "subject": f"Test: {email.subject}", "text": email.text, "html": email.html}
        message_id = messages.enqueue(work, Topic.MAIL, payload, about=f"test_email to {to}")
        record(work, Event.TEST_EMAIL_SENT, template=TEMPLATE, language=language.tag)
    until = time.monotonic() + DELIVERED_WITHIN
    while True:
        with unit_of_work(case.inside) as work:
            message = outbox.find_one(work.read, message_id)
        state = None if message is None else message.state
        if state in {DeliveryState.SENT, DeliveryState.FAILED} or time.monotonic() > until:
            break
        time.sleep(0.2)
    if state == DeliveryState.SENT:
        yield _arrival(case, message_id, to)
    elif message is not None and message.error:
        yield NOT_SENT.found(f"The test email to {to} was not sent: {message.error}.")
    else:
        yield STILL_WAITING.found(f"The test email to {to} was not sent within {DELIVERED_WITHIN:g} seconds.")


def _arrival(case: Case, message_id: str, to: str) -> Finding:
    """Return whether a test email that was sent arrived. Only the mailbox of the demo can be asked."""
    mailbox = _demo_mailbox(case.inside.effective_settings)
    if mailbox is None:
        return fine("mail.test", f"The mail server took the test email to {to}. Check that it arrives, not as spam.")
    url = f"{mailbox}/messages/{message_id}@{ehlo_name(case.inside.effective_settings)}"
    try:
        found = case.transport.send("GET", url)
    except Unreachable as failed:
        return NOT_ARRIVED.found(f"The mailbox of the demo does not answer: {failed.reason}.")
    if found.status != 307:
        return NOT_ARRIVED.found(f"The test email to {to} is not in the mailbox of the demo, {mailbox}.")
    return fine("mail.test", f"The test email to {to} arrived: {mailbox}{found.header('location')}.")


def _demo_mailbox(settings: Settings) -> str | None:
    """Return the URL with which the mail server of the demo greets; None for any other server."""
    if not is_loopback(settings.smtp_host):
        return None
    try:
        with smtplib.SMTP(timeout=STEP) as server:
            _, greeting = server.connect(settings.smtp_host, settings.smtp_port)
    except (smtplib.SMTPException, OSError):
        return None
    found = re.search(rf"{DEMO_MAILBOX} (http://[\w.:\[\]-]+)$", greeting.decode("utf-8", "replace"))
    return found[1] if found is not None and is_loopback(urlsplit(found[1]).hostname or "") else None


MAIL = (
    Examination(
        "mail-domain",
        Group.MAIL,
        "Asks the DNS for MX, SPF, DKIM and DMARC of the sender's domain.",
        _domain,
        Needs.INSTALLATION,
        seconds=40.0,
    ),
    Examination(
        "mail-server",
        Group.MAIL,
        "Connects to the mail server, authenticates and names the sender, and sends nothing.",
        _server,
        Needs.INSTALLATION,
        seconds=20.0,
    ),
    Examination(
        "test-email",
        Group.MAIL,
        "Sends a test email to the address of --send-test-email, through the queue.",
        _test_email,
        Needs.REQUEST,
        seconds=DELIVERED_WITHIN + 15,
    ),
)
