"""The emails, and a value for each variable of their templates, like those they are sent with.

They are for checking templates, for previews and for the documentation.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.audit.devices import device_name
from provider.config.settings import Settings
from provider.mail.rendering import FOLDER, SHARED

ISSUER = "https://id.example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja") if path.name not in SHARED)
"""The emails."""
VALUES: dict[str, Any] = {
    "account": f"{ISSUER}/account",
    "activity": f"{ISSUER}/account/activity",
    "app": "Pixel 9",
    "by_operator": False,
    "code": "123456",
    "code_lifetime": timedelta(minutes=10),
    "delete_after": datetime(2026, 12, 24, tzinfo=UTC),
    "device": device_name(FIREFOX),
    "device_is_known": True,
    "few": False,
    "left": 9,
    "link": f"{ISSUER}/link?token=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "link_lifetime": timedelta(hours=24),
    "linked": f"{ISSUER}/account/linked",
    "network": "192.0.2.7",
    "old": "Pixel 7",
    "passkey": "iPhone",
    "passkeys": f"{ISSUER}/account/passkeys",
    "provider": "Google",
    "requested_by": "Example Bank",
    "reset": f"{ISSUER}/forgot-password",
    "sign_in": f"{ISSUER}/login",
    "two_factor": f"{ISSUER}/account/two-factor",
    "undo": f"{ISSUER}/undo-email-change?token=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "when": datetime(2026, 11, 28, 16, 26, tzinfo=UTC),
}


def values_of(settings: Settings) -> dict[str, Any]:
    """Return the values with links to this installation, as in the emails that it sends."""
    return {
        name: value.replace(ISSUER, settings.issuer, 1) if isinstance(value, str) else value
        for name, value in VALUES.items()
    }


def sent_when(name: str) -> str:
    """Return when the email is sent, in English: the comment that its template begins with."""
    comment = re.match(r"\{# Sent (.*?) #\}", (FOLDER / f"{name}.jinja").read_text("utf-8"), re.DOTALL)
    return "" if comment is None else " ".join(f"{comment[1][:1].upper()}{comment[1][1:]}".split())
