"""The errors for operators if a key cannot be rotated or removed now."""

from datetime import datetime

from provider.audit.hourly import KeyUse
from provider.languages.text import Text
from provider.oauth.keys import waiting
from provider.refusals import NotFound, Refusal


class UnknownKey(NotFound):
    code = "unknown-key"
    message = Text("There is no signing key with this ID, or its status does not allow this.")


class TooSoon(Refusal):
    """A rotation that is too early: apps that cache the key set may not know the upcoming key yet."""

    code = "too-soon"
    status_code = 409

    def __init__(self, upcoming: str, may_sign_from: datetime) -> None:
        self.may_sign_from = may_sign_from
        moment = f"{may_sign_from:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"The upcoming key {upcoming} may sign from {moment}. To rotate now, use --at-once.")


class TokensStillValid(Refusal):
    """A retired key whose tokens have not expired. Only a revocation ends them."""

    code = "tokens-still-valid"
    status_code = 409

    def __init__(self, kid: str, until: datetime) -> None:
        self.until = until
        moment = f"{until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"Tokens that the key {kid} signed are valid until {moment}. To end them now, revoke the key.")


class StillUsed(Refusal):
    """A step of the rotation that would break what was seen within SIGNET_KEY_IDLE. Operators can take it anyway."""

    code = "key-still-used"
    status_code = 409

    def __init__(self, problem: str, uses: list[KeyUse], way_out: str) -> None:
        self.users = waiting.name_sources(uses)
        super().__init__(f"{problem}: {waiting.describe(uses)}. {way_out}")
