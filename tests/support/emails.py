"""Every email that Signet sends, rendered with values like those it is sent with."""

from collections.abc import Iterator
from typing import Any

from provider.config.settings import Settings
from provider.languages.catalogs import Language
from provider.mail.rendering import Email, render
from provider.mail.samples import NAMES, VALUES

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
