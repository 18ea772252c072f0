"""The demo's mailbox: a real SMTP server that keeps the latest emails in memory, and a page to read them."""

import os
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from provider.config.settings import Settings
from provider.web.assets import Asset, Static
from provider.web.look import look_of
from provider.web.pages import environment
from provider.work import utc_now

MOST = 200
STYLED = "style-src 'self'; img-src 'self'; script-src 'nonce-{nonce}'; frame-src 'self'; frame-ancestors 'none'"
# An email's own HTML gets nothing but its inline styles: no script, no remote picture, no form.
SANDBOXED = (
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-top-navigation-by-user-activation"
)


@dataclass(frozen=True)
class ReceivedEmail:
    id: int
    received_at: datetime
    message_id: str
    sender: str
    to: str
    subject: str
    text: str
    html: str | None


class Mailbox:
    """An aiosmtpd handler that receives mail by SMTP and keeps it in memory, the newest email first."""

    def __init__(self) -> None:
        self.emails: deque[ReceivedEmail] = deque(maxlen=MOST)
        self._ids = count(1)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101  # the default policy makes nothing else
        html = _part(message, "html")
        email = ReceivedEmail(
            id=next(self._ids),
            received_at=utc_now(),
            message_id=str(message["message-id"] or ""),
            sender=str(message["from"] or envelope.mail_from),
            to=", ".join(envelope.rcpt_tos),
            subject=str(message["subject"] or "(no subject)"),
            text=_part(message, "plain") or "",
            html=html,
        )
        self.emails.appendleft(email)
        return "250 Message accepted for delivery"

    def find(self, email_id: int) -> ReceivedEmail | None:
        return next((email for email in self.emails if email.id == email_id), None)


def _part(message: EmailMessage, subtype: str) -> str | None:
    part = message.get_body((subtype,))
    return None if part is None else str(part.get_content())


def mailbox_site(mailbox: Mailbox, settings: Settings) -> Starlette:
    """Build the mailbox site. Its pages need no JavaScript, and the list refreshes itself."""
    look = look_of(settings)
    brand = {"brand": settings.brand, "look": look, "support_email": None}

    def render(template: str, status_code: int = 200, **context: Any) -> Response:
        nonce = os.urandom(12).hex()
        html = environment().get_template(template).render(**brand, nonce=nonce, **context)
        return _html(html, STYLED.format(nonce=nonce), status_code)

    def index(_request: Request) -> Response:
        return render("demo/mailbox.html", emails=list(mailbox.emails))

    def read(request: Request) -> Response:
        email = mailbox.find(request.path_params["id"])
        if email is None:
            return render("demo/mailbox.html", 404, emails=list(mailbox.emails))
        return render("demo/email.html", email=email)

    def read_html(request: Request) -> Response:
        email = mailbox.find(request.path_params["id"])
        html = (email and email.html) or ""
        # Its links must leave the frame that shows it: pages of the provider cannot be framed.
        return _html(html.replace("<head>", '<head><base target="_top">', 1), SANDBOXED, 200 if html else 404)

    def find_message(request: Request) -> Response:
        """Lead to the email with this Message-ID. `signet doctor` asks whether its test email arrived."""
        wanted = f"<{request.path_params['message_id']}>"
        found = next((email for email in mailbox.emails if email.message_id == wanted), None)
        return Response(status_code=404) if found is None else RedirectResponse(f"/emails/{found.id}")

    async def find_brand_asset(_scope: Scope, name: str, _version: str) -> Asset | None:
        return look.find(name)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/emails/{id:int}", read),
            Route("/messages/{message_id}", find_message),
            Route("/emails/{id:int}/html", read_html),
            Route("/static/{name}", Static(find_brand_asset)),
        ]
    )


def _html(html: str, policy: str, status_code: int) -> Response:
    policy = f"default-src 'none'; font-src 'self'; {policy}; base-uri 'none'; form-action 'none'"
    return HTMLResponse(html, status_code, {"content-security-policy": policy, "referrer-policy": "no-referrer"})
