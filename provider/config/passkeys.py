"""The settings of passkeys."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from provider.config.durations import Duration
from provider.config.section import Section


class PasskeySettings(Section):
    """Passkeys (WebAuthn)."""

    title: ClassVar[str] = "Passkeys"

    passkey_offer_interval: Duration = Field(
        timedelta(days=30),
        description='How long users who answered "Not now" are not offered a passkey after signing in with their '
        "password. 0 turns the offer off for everyone.",
    )
