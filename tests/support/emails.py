"""Every email that Signet sends, rendered with values like those it is sent with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from provider.audit.devices import device_name
from provider.config.settings import Settings
from provider.languages.catalogs import Language
from provider.mail.rendering import FOLDER, Email, render

ISSUER = "https://id.example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jinja") if path.stem != "notice")
VALUES: dict[str, Any] = {
    "account": f"{ISSUER}/account",
    "activity": f"{ISSUER}/account/activity",
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
    "provider": "Google",
    "reset": f"{ISSUER}/forgot-password",
    "sign_in": f"{ISSUER}/login",
    "two_factor": f"{ISSUER}/account/two-factor",
    "undo": f"{ISSUER}/undo-email-change?token=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "when": datetime(2026, 11, 28, 16, 26, tzinfo=UTC),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "by an operator": {"by_operator": True, "device": "", "network": "", "code": "", "undo": None},
    "without resets, an unknown browser, few codes": {
        "has": lambda _feature: False,
        "device_is_known": False,
        "few": True,
        "left": 1,
    },
}


def rendered(settings: Settings, language: Language, name: str, **values: Any) -> Email:
    return render(settings, language, name, **VALUES | values)


def every_email(settings: Settings, *languages: Language) -> Iterator[tuple[str, Email]]:
    """Yield each email in each variant and language, and what to call it in a message."""
    for name in NAMES:
        for variant, values in VARIANTS.items():
            for language in languages:
                yield f"{name} {language.tag} {variant}".strip(), rendered(settings, language, name, **values)
