"""How long the rotation waits for those who still use a key. The worker and operators follow this one rule.

A step that is due waits until nothing that it would break was seen for SIGNET_KEY_IDLE, at most SIGNET_KEY_MAX_WAIT.
The two steps are that the next key signs (copies of the key set may lack it) and that a retired key is removed (valid
tokens may need it), which never happens before its last token has expired.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from provider.audit.hourly import KeyUse
from provider.config.settings import Settings
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.keys.uses import WAITED_FOR, find_uses, last_waited_for
from provider.work import UnitOfWork

NEAR_THE_END = 0.75
"""The part of the longest wait after which operators are warned."""


def delayed_until(due_at: datetime, last_used_at: datetime | None, settings: Settings) -> datetime:
    """Return when a step happens that is due at this time, if nothing it waits for is seen again. Pure."""
    if not settings.key_idle or last_used_at is None:
        return due_at
    return min(max(due_at, last_used_at + settings.key_idle), due_at + settings.key_max_wait)


@dataclass(frozen=True)
class Removal:
    """The removal of a retired key from the key set."""

    due_at: datetime
    """When the last token of the key has expired. It is never removed before."""
    at: datetime
    """When it is removed, if it is not used again."""
    limit: datetime
    """When it is removed at the latest."""


def removal_of(row: SigningKeyRow, uses: list[KeyUse], settings: Settings) -> Removal | None:
    """Return the removal of a retired key, or None for keys with another status. Pure."""
    due_at = row.tokens_expire_at or row.expires_at
    if row.state != State.RETIRED or due_at is None:
        return None
    at = delayed_until(due_at, last_waited_for(uses), settings)
    return Removal(due_at, at, due_at + settings.key_max_wait if settings.key_idle else due_at)


@dataclass(frozen=True)
class KeyStatus:
    """A signing key, who used it in the last day, and its removal."""

    row: SigningKeyRow
    uses: list[KeyUse]
    removal: Removal | None
    """The removal, if it is a retired key that is still published."""
    now: datetime
    idle: timedelta

    @property
    def waits_for(self) -> list[KeyUse]:
        """The uses that its next step waits for now, or would wait for if it were due."""
        return waited_for(self.uses, now=self.now, idle=self.idle)

    @property
    def is_delayed(self) -> bool:
        """Whether the removal was due and waits."""
        return self.removal is not None and self.removal.due_at <= self.now < self.removal.at

    @property
    def can_be_removed(self) -> bool:
        """Whether an operator can remove it now: it is published, and its last token has expired."""
        return self.removal is not None and self.removal.due_at <= self.now


def waited_for(uses: list[KeyUse], *, now: datetime, idle: timedelta) -> list[KeyUse]:
    """Return the uses that a step waits for now."""
    return [use for use in uses if use.use in WAITED_FOR and now - use.last_used_at < idle]


def find_statuses(work: UnitOfWork) -> list[KeyStatus]:
    """Return the keys in the order of their creation."""
    found = find_uses(work)
    statuses = []
    for row in signing_keys.find_all(work.read):
        uses = found.get(row.kid, [])
        is_published = row.removed_at is None and row.expires_at is not None and row.expires_at > work.now
        removal = removal_of(row, uses, work.settings) if is_published else None
        statuses.append(KeyStatus(row, uses, removal, work.now, work.settings.key_idle))
    return statuses


def describe(uses: list[KeyUse], *, most: int = 5) -> str:
    """Return who uses a key, for an operator: `shop (12 times, last 2026-11-30 17:02 UTC), …`."""
    said = [
        f"{use.source} ({use.count} time{'s' * (use.count != 1)}, last {use.last_used_at:%Y-%m-%d %H:%M} UTC)"
        for use in uses[:most]
    ]
    return ", ".join([*said, f"and {len(uses) - most} more"] if len(uses) > most else said)
