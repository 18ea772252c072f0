"""The security check-up of an account: how it is protected, and what its user should look at."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.accounts.factors import passkeys, recovery_codes, second_factor
from provider.accounts.store import known_devices, linked_identities, passwords
from provider.crypto.digests import digest
from provider.work import UnitOfWork

RECENT = timedelta(days=30)
"""For how long a device counts as new after its first sign-in."""


@dataclass(frozen=True)
class CheckUp:
    password_changed_at: datetime | None
    """When the password was set. None if the account has no password."""
    two_factor: bool
    codes_left: int
    passkeys: int
    """How many passkeys can sign in."""
    linked: int
    """How many accounts at other providers can sign in."""
    new_devices: int
    """How many other devices signed in for the first time within `RECENT`."""

    @property
    def few_codes(self) -> bool:
        """Whether recovery codes run out."""
        return self.two_factor and self.codes_left <= recovery_codes.FEW


def check_up(work: UnitOfWork, *, user_id: str, device: str | None) -> CheckUp:
    """Check the user's account. `device` is the value of this browser's device cookie: it is not a new device."""
    return CheckUp(
        password_changed_at=passwords.find_time(work.read, user_id),
        two_factor=second_factor.is_enabled(work, user_id),
        codes_left=recovery_codes.count_left(work, user_id),
        passkeys=len(passkeys.find_of_user(work, user_id)),
        linked=len(linked_identities.find_of_user(work.read, user_id)),
        new_devices=known_devices.count_others(
            work.read, user_id, but=None if device is None else digest(device), since=work.now - RECENT
        ),
    )
